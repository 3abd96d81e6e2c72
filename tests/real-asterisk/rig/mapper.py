"""AMI events -> lines of events.log, as a host's script writes them.

Modes: host = with what the script leaves out (bridge events of Local channels in calls from the CRM, the dial of
a consultation's Local leg); full = with nothing left out; linked = full, with Linkedid and BridgeTechnology."""
import datetime, json, re

TOKEN = '375290000000'
TRUNKS = {'0001363', '0001364', 'trunk-mts'}
DIAL_GATHER = 0.12

def utc(t):
    d = datetime.datetime.fromtimestamp(t, datetime.timezone.utc)
    return d.strftime('%Y-%m-%d %H:%M:%S,') + '%03d' % (d.microsecond // 1000)
def host(t): return datetime.datetime.fromtimestamp(t + 3 * 3600, datetime.timezone.utc).strftime('%Y-%m-%d %H:%M:%S')

def endpoint(chan):
    if chan.startswith('Local/'): return chan[6:].split('@')[0]
    m = re.match(r'[^/]+/(.+)-[0-9a-f]{8}$', chan)
    return m.group(1) if m else chan
def is_local(chan): return chan.startswith('Local/')
def is_ext(x): return x.isdigit() and len(x) <= 5
def half(chan): return chan[-1] if is_local(chan) else ''

class Mapper:
    def __init__(s, write, mode='host'):
        s.write_line, s.mode = write, mode
        s.chan = {}; s.pending = {}; s.crm_left = 0; s.linked = {}; s.tech = ''
    def line(s, t, kind, uid, body):
        if s.chan.get(uid, {}).get('crm'): body['ExternalInitiated'] = True
        # linked = full, and what a listener could add for nothing: Linkedid, and what kind of bridge it is
        if s.mode == 'linked':
            if uid: body['Linkedid'] = s.linked.get(uid, uid)
            if kind.startswith('bridge') and s.tech: body['BridgeTechnology'] = s.tech
        s.write_line('%s|AST|%s|%s|%s\n' % (utc(t), kind, uid, json.dumps(body, ensure_ascii=False)))
    def tick(s, t):
        for uid in [u for u, p in s.pending.items() if t - p['last'] >= DIAL_GATHER]: s.flush(uid, t)
    def flush(s, uid, t):
        p = s.pending.pop(uid); c = s.chan.get(uid)
        if not c: return
        c['dialled'] = True
        if s.mode == 'host' and p.get('consult'): return
        trunk = p['trunk']
        body = {'Token': TOKEN, 'UniqueId': uid, 'Phone': p['phone'], 'Extensions': p['ext'], 'CallType': p['type'],
                'Trunk': trunk, 'ExtTrunk': '', 'ExtPhone': p['phone'] if p['type'] == 0 else ''}
        s.line(t, 'dial', uid, body)
    def get(s, e, t):
        uid = e['Uniqueid']
        c = s.chan.get(uid)
        if c is None:
            c = s.chan[uid] = {'uid': uid, 'name': e.get('Channel', ''), 'context': e.get('Context', ''), 'exten': e.get('Exten', ''), 'num': e.get('CallerIDNum', ''),
                               'born': t, 'start': False, 'dialled': False, 'answered': [], 'up': None, 'seen': False, 'linked': e.get('Linkedid', '')}
        c['name'] = e.get('Channel', c['name'])
        return c
    def event(s, t, e):
        k = e['Event']; fn = getattr(s, 'on_' + k, None)
        s.tick(t)
        for pre in ('', 'Dest', 'LocalOne', 'LocalTwo'):
            if e.get(pre + 'Uniqueid') and e.get(pre + 'Linkedid'): s.linked[e[pre + 'Uniqueid']] = e[pre + 'Linkedid']
        s.tech = e.get('BridgeTechnology', '') if k.startswith('Bridge') else ''
        if fn: fn(t, e)
    def on_Newchannel(s, t, e):
        c = s.get(e, t); name = e['Channel']
        if e['Context'] == 'from-out-office' and endpoint(name) in TRUNKS and e['Exten'] not in ('', 's') and e['Uniqueid'] == e['Linkedid']:
            c['start'] = True; c['type'] = 0; c['trunk'] = endpoint(name); c['phone'] = e['CallerIDNum']
            s.line(t, 'start', c['uid'], {'Token': TOKEN, 'UniqueId': c['uid'], 'Phone': e['CallerIDNum'], 'CallType': 0, 'Trunk': endpoint(name)})
        if is_local(name) and '@web-originate' in name: c['crm'] = True
        # the host's mark is on whatever belongs to a call that the CRM started
        l = s.chan.get(e['Linkedid'])
        if l and l.get('crm'): c['crm'] = True
    def on_NewExten(s, t, e): s.get(e, t)
    def on_Newexten(s, t, e):
        c = s.get(e, t); c['context'], c['exten'] = e['Context'], e['Extension']
    def on_NewCallerid(s, t, e):
        c = s.get(e, t); c['num'] = e['CallerIDNum']
        if s.drops(e): return      # of a call from the CRM nothing of its Local channels is logged
        s.line(t, 'new_callerid', e['Uniqueid'], {'Token': TOKEN, 'UniqueId': e['Uniqueid'], 'Channel': e['Channel'], 'CallerIDNum': e['CallerIDNum'], 'CallerIDName': e['CallerIDName'],
               'ConnectedLineNum': e['ConnectedLineNum'], 'ConnectedLineName': e['ConnectedLineName'], 'Context': e['Context'], 'Exten': e['Exten']})
    def on_DialBegin(s, t, e):
        if 'Uniqueid' not in e: return      # originate: no one dials
        c = s.get(e, t); uid = e['Uniqueid']; dest = e['DestChannel']; target = endpoint(dest)
        name = e['Channel']
        p = s.pending.get(uid)
        if p is None:
            trunk = ''
            if endpoint(name) in TRUNKS: typ, phone, ext, trunk = 0, e['CallerIDNum'], [], endpoint(name)
            elif target in TRUNKS:
                num = (e.get('DialString') or '').split('/')[-1].split('@')[0]; trunk = target
                if num in TRUNKS or not num.isdigit(): num = e['Exten']
                if is_local(name) and '@web-originate' not in name and '@crm-out' not in name and '@inoffice' not in name:   # a mobile for a client
                    typ, phone, ext = 1, num, [e['CallerIDNum'] if e['CallerIDNum'].isdigit() else '']
                else:
                    who = endpoint(name) if not is_local(name) else e['CallerIDNum']
                    typ, phone, ext = 1, num, [who]
            else:
                who = endpoint(name) if is_ext(endpoint(name)) and not is_local(name) else e['CallerIDNum']
                typ, phone, ext = 2, who, []
            p = s.pending[uid] = {'type': typ, 'phone': phone, 'ext': ext, 'trunk': trunk, 'last': t,
                                  'consult': is_local(name) and typ == 2}
            c.setdefault('type', typ); c.setdefault('phone', phone); c.setdefault('trunk', trunk)
        if p['type'] != 1:
            x = target
            if x in TRUNKS: x = (e.get('DialString') or '').split('/')[-1]
            if x not in p['ext']: p['ext'].append(x)
        else: c['client'] = p['ext']
        p['last'] = t
    def on_DialEnd(s, t, e):
        if 'Uniqueid' not in e: return
        c = s.get(e, t); uid = e['Uniqueid']
        if uid in s.pending: s.flush(uid, t)
        st = e['DialStatus']; c['status'] = st if c.get('status') != 'ANSWER' else 'ANSWER'
        if st == 'ANSWER':
            c['up'] = t
            c['answered'] = [endpoint(e['DestChannel'])]
            c['local_mobile'] = is_local(e['DestChannel']) and len(endpoint(e['DestChannel'])) > 5
    def bridge_body(s, e, exten):
        b = {'Token': TOKEN, 'UniqueId': e['Uniqueid'], 'BridgeUniqueid': e['BridgeUniqueid'], 'Channel': e['Channel']}
        if exten: b['Exten'] = e['Exten']
        for k in ('CallerIDNum', 'CallerIDName', 'ConnectedLineNum', 'ConnectedLineName'): b[k] = e[k]
        return b
    def drops(s, e):
        return s.mode == 'host' and is_local(e['Channel']) and s.chan.get(e['Uniqueid'], {}).get('crm')
    def on_BridgeEnter(s, t, e):
        s.get(e, t)
        if e['Uniqueid'] in s.pending: s.flush(e['Uniqueid'], t)
        if s.drops(e): return
        s.line(t, 'bridge', e['Uniqueid'], s.bridge_body(e, True))
    def on_BridgeLeave(s, t, e):
        s.get(e, t)
        if s.drops(e): return
        b = s.bridge_body(e, False); b['BridgeNumChannels'] = e['BridgeNumChannels']
        s.line(t, 'bridge_leave', e['Uniqueid'], b)
    def bridge_only(s, t, e, kind):
        s.line(t, kind, '', {'Token': TOKEN, 'UniqueId': '', 'BridgeUniqueid': e['BridgeUniqueid'], 'BridgeType': e.get('BridgeType', ''), 'BridgeTechnology': e.get('BridgeTechnology', ''),
               'BridgeCreator': e.get('BridgeCreator', ''), 'BridgeName': e.get('BridgeName', ''), 'BridgeNumChannels': e.get('BridgeNumChannels', '')})
    def on_BridgeCreate(s, t, e): s.bridge_only(t, e, 'bridge_create')
    def on_BridgeDestroy(s, t, e): s.bridge_only(t, e, 'bridge_destroy')
    def on_Hangup(s, t, e):
        c = s.get(e, t); uid = e['Uniqueid']
        if uid in s.pending: s.flush(uid, t)
        # the main call that a mobile answered gets no hangup; of a call from the CRM only the leg that dials out does
        silent = s.mode == 'host' and (c.get('crm') and c.get('type') == 2 or c.get('local_mobile'))
        if (c['start'] or c['dialled']) and not silent:
            st = c.get('status', '')
            code = {'ANSWER': '2', '': '1', 'TALK': '5'}.get(st, '0' if st in ('CANCEL', 'NOANSWER', 'BUSY', 'CONGESTION', 'CHANUNAVAIL', 'ABORT') else '1')
            typ = c.get('type', 2)
            who = c['answered'] if code == '2' else ['']
            if typ == 1: who = c.get('client', [''])
            if s.mode == 'host' and c.get('crm'): who = ['']
            body = {'Token': TOKEN, 'UniqueId': uid, 'Phone': c.get('phone', ''), 'Extensions': who or [''], 'CallType': typ,
                    'DateReceived': host(c['born']), 'StartTime': host(c['born']), 'EndTime': host(t), 'CallStatus': code}
            if typ != 2: body['Trunk'] = c.get('trunk', '')
            s.line(t, 'hangup', uid, body)

def remap(raw_path, mode):
    """The lines of a captured AMI stream."""
    out = []
    m = Mapper(out.append, mode)
    for l in open(raw_path):
        r = json.loads(l); m.event(r['t'], r['e'])
        last = r['t']
    m.tick(last + 10)
    return out
