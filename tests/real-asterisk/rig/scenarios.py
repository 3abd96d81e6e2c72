"""Every scenario: what is done on the phones, and what really happened (what a person would say of the calls)."""
import sys, time, os, subprocess, threading
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import *
C1, C2, MOB, OUT, OUT2 = '375290001234', '375290005678', '375290007777', '375290009012', '375290008888'
S = {}
def scenario(*expect, note=''):
    def deco(f): S[f.__name__] = (f, list(expect), note); return f
    return deco
def X(dir, result, client, ring=None, talk=None, by=None, to=(), rang=None): return dict(direction=dir, result=result, client=client, ring=ring, talk=talk, answered_by=by, transferred_to=list(to), rang=rang)
def up(c, t=15): assert c.wait_up(t), 'not answered: %s %s' % (c.state, c.final); return c

# ---------- plain calls
@scenario(X('incoming', 'answered', C1, 2, 3, '151', rang=['150', '151', '152']))
def incoming_group_answered(s):
    s.p['150'].set(); s.p['152'].set(); s.p['151'].set(answer=2.0)
    c = up(s.trunk.call('0001363', cid=C1)); time.sleep(3); c.bye()
@scenario(X('incoming', 'missed', C1, 4, None, None))
def incoming_cancelled(s):
    for n in ('150', '151', '152'): s.p[n].set()
    c = s.trunk.call('0001363', cid=C1); time.sleep(4); c.cancel()
@scenario(X('incoming', 'missed', C2, 18, None, None, rang=['150', '151', '152']), note='one after the other: 150 4s, 151 4s, 152 10s; no one')
def incoming_sequence_missed(s):
    for n in ('150', '151', '152'): s.p[n].set()
    s.trunk.call('0001374', cid=C2).wait_over(30)
@scenario(X('incoming', 'answered', C2, 10, 2, '152', rang=['150', '151', '152']), note='hunt: 150 no, 151 no, 152 answers')
def incoming_sequence_answered(s):
    for n in ('150', '151'): s.p[n].set()
    s.p['152'].set(answer=2)
    c = up(s.trunk.call('0001374', cid=C2)); time.sleep(2); c.bye()
@scenario(X('incoming', 'missed', C1, None, None, None), note='150 is busy (486)')
def incoming_busy(s):
    s.p['150'].set(reject=(486, 0.5)); s.trunk.call('0001370', cid=C1).wait_over(15)
@scenario(X('incoming', 'answered', C1, 2, 2, '151'), note='150 busy, then 151 answers')
def incoming_busy_then_next(s):
    s.p['150'].set(reject=(486, 0.5)); s.p['151'].set(answer=1.5)
    c = up(s.trunk.call('0001378', cid=C1)); time.sleep(2); c.bye()
@scenario(X('incoming', 'missed', C2, None, None, None), note='the caller hangs up in the IVR: no one was ever rung')
def ivr_abandoned(s):
    c = up(s.trunk.call('0001376', cid=C2)); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 2, 2, '152'), note='IVR answers, then 151 and 152 are rung')
def ivr_answered(s):
    s.p['151'].set(); s.p['152'].set(answer=2)
    c = up(s.trunk.call('0001368', cid=C1)); time.sleep(5); c.bye()
@scenario(X('incoming', 'missed', C1, 3, None, None), note='IVR answers, 151 and 152 are rung, the caller gives up: Asterisk answered, no person did')
def ivr_missed(s):
    s.p['151'].set(); s.p['152'].set()
    c = up(s.trunk.call('0001368', cid=C1)); time.sleep(4); c.bye()
@scenario(X('outgoing', 'answered', OUT, 2, 3, None))
def outgoing_answered(s):
    s.trunk.set(answer=2); c = up(s.p['151'].call(OUT)); time.sleep(3); c.bye()
@scenario(X('outgoing', 'missed', OUT, 3, None, None))
def outgoing_no_answer(s):
    s.trunk.set(); c = s.p['151'].call(OUT); time.sleep(3); c.cancel()
@scenario(X('outgoing', 'missed', OUT, None, None, None))
def outgoing_busy(s):
    s.trunk.set(reject=(486, 1)); s.p['152'].call(OUT).wait_over(10)
@scenario(X('internal', 'answered', '152', 2, 3, '150'))
def internal_answered(s):
    s.p['150'].set(answer=2); c = up(s.p['152'].call('150')); time.sleep(3); c.bye()
@scenario(X('internal', 'missed', '152', 3, None, None))
def internal_missed(s):
    s.p['150'].set(); c = s.p['152'].call('150'); time.sleep(3); c.cancel()
@scenario(X('incoming', 'answered', C1, 1, 5, '150'), note='hold and back: music in between')
def hold(s):
    s.p['150'].set(answer=1); c = up(s.trunk.call('0001370', cid=C1)); m = s.p['150'].last(); time.sleep(1); m.hold(); time.sleep(2); m.hold(False); time.sleep(2); c.bye()

# ---------- transfers
@scenario(X('incoming', 'answered', C1, 1, 5, '150', ['151']), note='REFER: 150 -> 151')
def blind_refer(s):
    s.p['150'].set(answer=1); s.p['151'].set(answer=1.5)
    c = up(s.trunk.call('0001370', cid=C1)); time.sleep(1.5); m = s.p['150'].last(); m.refer('151'); time.sleep(1); m.bye(); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', []), note='REFER: 150 -> 152 who does not answer (15s); the caller gives up after 4s')
def blind_refer_unanswered(s):
    s.p['150'].set(answer=1); s.p['152'].set()
    c = up(s.trunk.call('0001370', cid=C1)); time.sleep(2); m = s.p['150'].last(); m.refer('152'); time.sleep(1); m.bye(); time.sleep(4); c.bye()
@scenario(X('incoming', 'answered', C1, 1, 5, '150', ['151']), note='feature ## (AMI BlindTransfer)')
def blind_feature(s):
    s.p['150'].set(answer=1); s.p['151'].set(answer=1)
    c = up(s.trunk.call('0001370', cid=C1)); time.sleep(2)
    s.p['150'].last().dtmf('##151'); time.sleep(6); c.bye()
def consult(s, cdid='0001370', cid=C1, exten='151'):
    s.p['150'].set(answer=1); c = up(s.trunk.call(cdid, cid=cid)); time.sleep(1.5)
    s.p['150'].last().dtmf('*2' + exten); return c
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['151']), note='*2 feature: 150 consults 151, hangs up: done')
def atxfer_completed(s):
    s.p['151'].set(answer=1.5); c = consult(s); time.sleep(5.5); s.p['150'].last().bye(); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', []), note='*2: 151 answers and hangs up: the client is back with 150')
def atxfer_refused(s):
    s.p['151'].set(answer=1.5, hang_after=2); c = consult(s); time.sleep(8.5); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', []), note='*2: 151 does not answer; 150 aborts by *1 (here: 151 rejects 486)')
def atxfer_busy(s):
    s.p['151'].set(reject=(486, 1.5)); c = consult(s); time.sleep(7.5); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['151']), note='*2 and 150 hangs up while 151 still rings; 151 then answers')
def atxfer_blonde(s):
    s.p['151'].set(answer=4); c = consult(s); time.sleep(3.5); s.p['150'].last().bye(); time.sleep(5); c.bye()
@scenario(X('outgoing', 'answered', OUT, 1, None, None, []), note='150 called out, consults 152, refused')
def atxfer_outgoing_refused(s):
    s.trunk.set(answer=1); s.p['152'].set(answer=1.5, hang_after=2)
    c = up(s.p['150'].call(OUT)); time.sleep(1.5); c.dtmf('*2152'); time.sleep(8); c.bye()
@scenario(X('outgoing', 'answered', OUT, 1, None, None, ['152']), note='150 called out, consults 152, done')
def atxfer_outgoing_completed(s):
    s.trunk.set(answer=1); s.p['152'].set(answer=1.5)
    c = up(s.p['150'].call(OUT)); time.sleep(1.5); c.dtmf('*2152'); time.sleep(5.5); c.bye(); time.sleep(3); s.trunk.last().bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['151']), note='phone key: hold, second call 150->151, REFER with Replaces')
def atxfer_refer_replaces(s):
    s.p['150'].set(answer=1); s.p['151'].set(answer=1)
    c = up(s.trunk.call('0001370', cid=C1)); m = s.p['150'].last(); time.sleep(1); m.hold(); k = up(s.p['150'].call('151')); time.sleep(2)
    m.refer_to_call(k); time.sleep(1.5); print('   refer', getattr(m, 'refer_final', None), m.refer_status); m.bye(); k.bye(); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', []), note='phone key: hold, second call 150->151, back without transfer')
def consult_by_second_call_refused(s):
    s.p['150'].set(answer=1); s.p['151'].set(answer=1)
    c = up(s.trunk.call('0001370', cid=C1)); m = s.p['150'].last(); time.sleep(1); m.hold(); k = up(s.p['150'].call('151')); time.sleep(2); k.bye(); m.hold(False); time.sleep(2); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['151', '152']), note='*2 150->151 done, *2 151->152 done')
def chain_abc(s):
    s.p['151'].set(answer=1); s.p['152'].set(answer=1); c = consult(s); time.sleep(5.5); s.p['150'].last().bye(); time.sleep(2)
    s.p['151'].last().dtmf('*2152'); time.sleep(5); s.p['151'].last().bye(); time.sleep(2.5); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['151', '152']), note='REFER 150->151, REFER 151->152')
def chain_blind(s):
    s.p['150'].set(answer=1); s.p['151'].set(answer=1); s.p['152'].set(answer=1)
    c = up(s.trunk.call('0001370', cid=C1)); time.sleep(1.5); m = s.p['150'].last(); m.refer('151'); time.sleep(1); m.bye(); time.sleep(2)
    m = s.p['151'].last(); m.refer('152'); time.sleep(1); m.bye(); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', [OUT2]), note='*2 to an outside number, done: client talks to another outside number')
def atxfer_to_outside(s):
    s.trunk.set(answer=1.5); c = consult(s, exten=OUT2); time.sleep(9); s.p['150'].last().bye(); time.sleep(3); c.bye()
@scenario(X('internal', 'answered', '152', 1, None, '150', ['151']), note='internal call, REFER to 151')
def internal_blind(s):
    s.p['150'].set(answer=1); s.p['151'].set(answer=1); c = up(s.p['152'].call('150')); time.sleep(1.5); m = s.p['150'].last(); m.refer('151'); time.sleep(1); m.bye(); time.sleep(3); c.bye()
@scenario(X('outgoing', 'answered', OUT, 1, None, None, ['152']), note='150 called out, then REFERs the client to 152')
def outgoing_blind(s):
    s.trunk.set(answer=1); s.p['152'].set(answer=1); c = up(s.p['150'].call(OUT)); time.sleep(1.5); c.refer('152'); time.sleep(1); c.bye(); time.sleep(3); s.trunk.last().bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['153']), note='an operator moves the client by AMI Redirect')
def ami_redirect(s):
    s.p['150'].set(answer=1); s.p['153'].set(answer=1); c = up(s.trunk.call('0001370', cid=C1)); time.sleep(2)
    s.ami.action('Redirect', Channel=s.find(TECH + '/0001363'), Context='inoffice', Exten='153', Priority='1'); time.sleep(4); c.bye()

# ---------- queues
@scenario(X('incoming', 'answered', C1, 3, 3, '151'), note='ringall: 150 rings, 152 busy, 151 answers')
def queue_ringall(s):
    s.p['150'].set(); s.p['151'].set(answer=3); s.p['152'].set(reject=(486, 0.5))
    c = up(s.trunk.call('0001364', cid=C1)); time.sleep(6); c.bye()
@scenario(X('incoming', 'answered', C2, None, 3, None), note='rrmemory, 4s each: the first two agents do not answer, the third does')
def queue_rrmemory(s):
    n = [0]
    for e in ('150', '151', '152'):
        def on_call(c, e=e):
            n[0] += 1
            if n[0] >= 3: s.net.after(1.5, c.answer)
        s.p[e].set(on_call=on_call)
    c = up(s.trunk.call('0001365', cid=C2)); t = time.time()
    while not any(p.list and p.list[-1].state == 'up' for p in s.p.values()) and time.time() - t < 25: time.sleep(0.2)
    time.sleep(3); c.bye()
@scenario(X('incoming', 'missed', C1, 6, None, None), note='the caller waits 6s in the queue and leaves')
def queue_abandoned(s):
    for e in ('150', '151', '152'): s.p[e].set()
    c = up(s.trunk.call('0001364', cid=C1)); time.sleep(6); c.bye()
@scenario(X('incoming', 'answered', C2, 3, 3, '151'), note='queue with Local/n members')
def queue_local(s):
    s.p['150'].set(); s.p['151'].set(answer=3); c = up(s.trunk.call('0001369', cid=C2)); time.sleep(6); c.bye()
@scenario(X('incoming', 'answered', C1, 2, None, '150', ['151']), note='queue, then REFER to 151')
def queue_then_blind(s):
    s.p['150'].set(answer=2); s.p['151'].set(answer=8); s.p['152'].set()
    c = up(s.trunk.call('0001364', cid=C1)); time.sleep(4); s.p['151'].set(answer=1); m = s.p['150'].last(); m.refer('151'); time.sleep(1); m.bye(); time.sleep(3); c.bye()

# ---------- mobiles, Local channels
@scenario(X('incoming', 'answered', C1, None, 3, MOB), note='150 does not answer (4s), FollowMe rings the mobile')
def followme(s):
    s.p['150'].set(); s.trunk.set(answer=2); c = up(s.trunk.call('0001366', cid=C1), 25); t = time.time()
    while not any(x.incoming and x.state == 'up' for x in s.trunk.list) and time.time() - t < 15: time.sleep(0.2)
    time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 3, 3, MOB), note='group 150, mobile by Local/n, 151; the mobile answers')
def mobile_answers(s):
    s.p['150'].set(); s.p['151'].set(); s.trunk.set(answer=3); c = up(s.trunk.call('0001367', cid=C1)); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 3, 3, MOB), note='the same, the Local channel is optimised away')
def mobile_answers_optimised(s):
    s.p['150'].set(); s.p['151'].set(); s.trunk.set(answer=3); c = up(s.trunk.call('0001377', cid=C1)); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 3, 3, '150'), note='group 150, mobile, 151; 150 answers')
def mobile_tried(s):
    s.p['150'].set(answer=3); s.p['151'].set(); s.trunk.set(); c = up(s.trunk.call('0001367', cid=C1)); time.sleep(3); c.bye()
@scenario(X('incoming', 'missed', C1, 5, None, None), note='group with a mobile, no one answers')
def mobile_missed(s):
    s.p['150'].set(); s.p['151'].set(); s.trunk.set(); c = s.trunk.call('0001367', cid=C1); time.sleep(5); c.cancel()
@scenario(X('incoming', 'answered', C2, 2, 3, '151'), note='Dial(Local/150&Local/151), optimised away')
def local_group_optimised(s):
    s.p['150'].set(); s.p['151'].set(answer=2); c = up(s.trunk.call('0001371', cid=C2)); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C2, 2, 3, '151'), note='Dial(Local/150/n&Local/151/n)')
def local_group_n(s):
    s.p['150'].set(); s.p['151'].set(answer=2); c = up(s.trunk.call('0001372', cid=C2)); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, None, 3, MOB), note='phone 150 forwards all (302) to the mobile')
def forward_302(s):
    s.p['150'].set(reject=(302, 0.3), forward_to=MOB); s.trunk.set(answer=2); c = up(s.trunk.call('0001370', cid=C1)); time.sleep(3); c.bye()

# ---------- pickup, parking, conference
@scenario(X('incoming', 'answered', C1, 2, 3, '151'), note='150 rings, 151 picks up by *8')
def pickup(s):
    s.p['150'].set(); c = s.trunk.call('0001370', cid=C1); time.sleep(2); k = s.p['151'].call('*8'); up(c); time.sleep(3); c.bye()
@scenario(X('internal', 'answered', '152', 2, 3, '151'), note='152 calls 150, 151 picks up by **150@context')
def pickup_directed(s):
    s.p['150'].set(); c = s.p['152'].call('150'); time.sleep(2); k = s.p['151'].call('**150'); up(c); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['152']), note='150 parks the client (REFER to 700), 152 takes 701')
def parking(s):
    s.p['150'].set(answer=1); c = up(s.trunk.call('0001370', cid=C1)); time.sleep(1.5); m = s.p['150'].last(); m.refer('700'); time.sleep(1.5); m.bye(); time.sleep(1)
    k = s.p['152'].call(s_parked(s)); up(k); time.sleep(3); c.bye()
def s_parked(s):
    for t, e in reversed(s.raw):
        if e['Event'] == 'ParkedCall': return e['ParkingSpace']
    return '701'
@scenario(X('incoming', 'answered', C1, 1, None, '150', []), note='parked, no one takes it: after 8s it rings 150 again, who answers')
def parking_timeout(s):
    s.p['150'].set(answer=1); c = up(s.trunk.call('0001370', cid=C1)); time.sleep(1.5); m = s.p['150'].last(); m.refer('700'); time.sleep(1.5); m.bye(); time.sleep(12); c.bye()
@scenario(X('incoming', 'answered', C1, None, None, None), note='conference 777: 150, 151 and the client', )
def conference(s):
    a = up(s.p['150'].call('777')); time.sleep(1); b = up(s.p['151'].call('777')); time.sleep(1); c = up(s.trunk.call('0001373', cid=C1)); time.sleep(3); c.bye(); time.sleep(1); a.bye(); b.bye()

# ---------- from the CRM
@scenario(X('outgoing', 'answered', OUT, None, 3, None), note='Originate Local/150@web-originate, then out by a second Local/n')
def crm(s):
    s.p['150'].set(answer=1.5); s.trunk.set(answer=2)
    s.ami.action('Originate', Channel='Local/150@web-originate/n', Context='web-dial', Exten=OUT, Priority='1', CallerID='150 <150>', Async='true', Timeout='20000'); time.sleep(7); s.trunk.last().bye(); time.sleep(1); s.p['150'].last().bye()
@scenario(X('outgoing', 'answered', OUT, None, 3, None), note='the same, Local channels optimised away')
def crm_optimised(s):
    s.p['150'].set(answer=1.5); s.trunk.set(answer=2)
    s.ami.action('Originate', Channel='Local/150@web-originate', Context='web-dial-opt', Exten=OUT, Priority='1', CallerID='150 <150>', Async='true', Timeout='20000'); time.sleep(7); s.trunk.last().bye()
@scenario(X('outgoing', 'answered', OUT, None, 3, None), note='Originate SIP/150, then Dial: no Local at all (most CRMs)')
def crm_direct(s):
    s.p['150'].set(answer=1.5); s.trunk.set(answer=2)
    s.ami.action('Originate', Channel=TECH + '/150', Context='inoffice', Exten=OUT, Priority='1', CallerID='150 <150>', Async='true', Timeout='20000'); time.sleep(7); s.trunk.last().bye()
@scenario(X('outgoing', 'missed', OUT, None, None, None), note='Originate: the manager answers, the client does not')
def crm_no_answer(s):
    s.p['150'].set(answer=1.5); s.trunk.set()
    s.ami.action('Originate', Channel='Local/150@web-originate/n', Context='web-dial', Exten=OUT, Priority='1', CallerID='150 <150>', Async='true', Timeout='20000'); time.sleep(6); s.p['150'].last().bye()
@scenario(X('outgoing', 'answered', OUT, None, 4, None), X('outgoing', 'answered', OUT, None, 4, None), note='two managers click the same client at the same time')
def crm_two_same_client(s):
    s.p['150'].set(answer=1.5); s.p['151'].set(answer=1.8); s.trunk.set(answer=2)
    for e in ('150', '151'):
        s.ami.action('Originate', Channel='Local/%s@web-originate/n' % e, Context='web-dial', Exten=OUT, Priority='1', CallerID='%s <%s>' % (e, e), Async='true', Timeout='20000'); time.sleep(0.7)
    time.sleep(7); [x.bye() for x in s.trunk.list]; time.sleep(1); s.p['150'].last().bye(); s.p['151'].last().bye()

# ---------- side by side
@scenario(X('incoming', 'answered', C1, 1, 5, '150'), X('incoming', 'missed', C1, 3, None, None), note='the same client calls twice at once')
def two_of_one_caller(s):
    s.p['150'].set(answer=1); s.p['151'].set(); s.p['152'].set()
    c = up(s.trunk.call('0001370', cid=C1)); s.p['150'].set(reject=(486, .2)); time.sleep(1); d = s.trunk.call('0001363', cid=C1); time.sleep(3); d.cancel(); time.sleep(1); c.bye()
@scenario(X('incoming', 'answered', C1, 3, None, MOB), X('incoming', 'answered', C2, 2, None, '151'), note='two clients at once, both groups hold the same mobile')
def two_with_mobile(s):
    s.p['150'].set(); s.p['151'].set(); n = [0]
    def on_call(c):
        n[0] += 1
        if n[0] == 1: s.net.after(3, c.answer)
    s.trunk.set(on_call=on_call); a = s.trunk.call('0001367', cid=C1); time.sleep(0.5); s.p['151'].set(answer=2); b = s.trunk.call('0001367', cid=C2); up(a); up(b); time.sleep(3); a.bye(); time.sleep(1); b.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['151']), note='AMI Bridge: a supervisor joins two calls: C1 with 150, C2 with 151 -> C1 with C2 (linkedids merge)')
def ami_bridge(s):
    s.p['150'].set(answer=1); s.p['151'].set(answer=1); a = up(s.trunk.call('0001370', cid=C1)); b = up(s.p['151'].call('152') if False else s.p['152'].call('151')); time.sleep(1)
    s.ami.action('Bridge', Channel1=s.find(TECH + '/0001363'), Channel2=s.find(TECH + '/151'), Tone='no'); time.sleep(3); a.bye(); time.sleep(1); b.bye()

# ---------- PJSIP (Asterisk 21 has no chan_sip)
@scenario(X('incoming', 'answered', C1, 2, 3, '161', rang=['160', '161']), note='PJSIP trunk with a name, PJSIP phones')
def pjsip_incoming(s):
    s.p['160'].set(); s.p['161'].set(answer=2); c = up(s.mts.call('0001375', cid=C1)); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '160', ['161']), note='PJSIP REFER')
def pjsip_blind(s):
    s.p['160'].set(answer=1); s.p['161'].set(answer=20); c = up(s.mts.call('0001375', cid=C1)); time.sleep(1.5); s.p['161'].set(answer=1); m = s.p['160'].last(); m.refer('161'); time.sleep(1); m.bye(); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '160', ['162']), note='PJSIP REFER with Replaces')
def pjsip_atxfer(s):
    s.p['160'].set(answer=1); s.p['161'].set(); s.p['162'].set(answer=1); c = up(s.mts.call('0001375', cid=C1)); m = s.p['160'].last(); time.sleep(1); m.hold(); k = up(s.p['160'].call('162')); time.sleep(2)
    m.refer_to_call(k); time.sleep(1.5); print('   refer', getattr(m, 'refer_final', None), m.refer_status); m.bye(); k.bye(); time.sleep(3); c.bye()
@scenario(X('outgoing', 'answered', OUT, 1, 3, None), note='PJSIP out')
def pjsip_outgoing(s):
    s.mts.set(answer=1); c = up(s.p['160'].call('9' + OUT)); time.sleep(3); c.bye()


# ---------- a second look at what went wrong the first time
@scenario(X('incoming', 'answered', C1, 2, None, MOB), note='FollowMe without confirmation (enable_callee_prompt off); the 2 that the mobile presses is ignored: it talks')
def followme_declined(s):
    s.trunk.set(answer=2); c = s.trunk.call('0001379', cid=C1); time.sleep(12); [x.dtmf('2') for x in s.trunk.list if x.incoming]; time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['152']), X('incoming', 'answered', C2, 1, None, '151', ['153']), note='two clients parked at the same time, taken by two others')
def parking_two(s):
    s.p['150'].set(answer=1); s.p['151'].set(answer=1); a = up(s.trunk.call('0001370', cid=C1)); m = s.p['150'].last(); time.sleep(1); m.refer('700'); time.sleep(1); sa = s_parked(s); m.bye()
    s.p['150'].set(reject=(486, .1)); b = up(s.trunk.call('0001378', cid=C2)); m = s.p['151'].last(); time.sleep(1); m.refer('700'); time.sleep(1); sb = s_parked(s); m.bye()
    k = up(s.p['152'].call(sa)); l = up(s.p['153'].call(sb)); time.sleep(2); a.bye(); time.sleep(1); b.bye()
@scenario(X('internal', 'answered', '150', None, 2, '151'), X('internal', 'answered', '152', None, 2, '153'), note='the same conference room twice, 150+151, three seconds no one, 152+153')
def conference_twice(s):
    a = up(s.p['150'].call('777')); b = up(s.p['151'].call('777')); time.sleep(2); a.bye(); b.bye(); time.sleep(3)
    a = up(s.p['152'].call('777')); b = up(s.p['153'].call('777')); time.sleep(2); a.bye(); b.bye()
@scenario(X('outgoing', 'answered', OUT, 1, None, None, ['152']), note='150 called out, REFERs the client to 152 who answers after 4s; meanwhile: tail --call ID --until-hangup')
def until_hangup(s):
    s.trunk.set(answer=1); s.p['152'].set(answer=4); c = s.p['150'].call(OUT); up(c); uid = s.channels()[s.find(TECH + '/150')]
    p = subprocess.Popen([CT, '--root', ROOT, 'tail', ENT, '--call', uid, '--until-hangup', '--tz', 'UTC'], stdout=open(BASE + '/until.out', 'w'), stderr=subprocess.STDOUT)
    ended = []; threading.Thread(target=lambda: (p.wait(), ended.append(time.time())), daemon=True).start()
    time.sleep(1.5); c.refer('152'); time.sleep(1); c.bye(); time.sleep(6); t = time.time(); s.trunk.last().bye(); time.sleep(2)
    print('   tail ended %s' % ('%.1fs before the call' % (t - ended[0]) if ended and ended[0] < t else 'after the call' if ended else 'never'))
    if p.poll() is None: time.sleep(3); p.poll() is None and p.kill()
@scenario(X('incoming', 'answered', C1, 3, None, '150', []), note='a plain call with a consultation by the phone key, refused')
def queue_local_missed(s):
    s.p['150'].set(); s.p['151'].set(); c = up(s.trunk.call('0001369', cid=C2)); time.sleep(5); c.bye()
S['queue_local_missed'] = (S['queue_local_missed'][0], [X('incoming', 'missed', C2, None, None, None)], 'queue with Local/n members, no one answers, the caller leaves')
@scenario(X('incoming', 'answered', C1, 2, 3, '151'), note='ChanSpy: 153 listens to the call')
def group_with_dtmf(s):
    s.p['150'].set(); s.p['151'].set(answer=2); c = up(s.trunk.call('0001368', cid=C1)); time.sleep(5); c.bye()
S.pop('group_with_dtmf')

@scenario(X('incoming', 'answered', C1, 3, 3, '151'), note='as FreePBX does: Dial(Local/150/n&Local/151/n), 150 is itself a group of a phone and a mobile by Local/n; 151 answers')
def nested_local(s):
    s.p['150'].set(); s.trunk.set(); s.p['151'].set(answer=3); c = up(s.trunk.call('0001380', cid=C1)); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, 3, 3, MOB), note='the same, the mobile answers')
def nested_local_mobile(s):
    s.p['150'].set(); s.p['151'].set(); s.trunk.set(answer=3); c = up(s.trunk.call('0001380', cid=C1)); time.sleep(3); c.bye()
@scenario(X('incoming', 'missed', C1, 4, None, None), note='the same, no one')
def nested_local_missed(s):
    s.p['150'].set(); s.p['151'].set(); s.trunk.set(); c = s.trunk.call('0001380', cid=C1); time.sleep(4); c.cancel()
@scenario(X('incoming', 'missed', C1, 4, None, None), note='150 does not answer, the voicemail does (Playback)')
def voicemail(s):
    s.p['150'].set(); c = up(s.trunk.call('0001381', cid=C1), 12); time.sleep(3); c.bye()
@scenario(X('incoming', 'answered', C1, None, 3, '151'), note='Dial(150) is not answered, then a queue: an agent answers (DIALSTATUS stays NOANSWER)')
def secretary_then_queue(s):
    s.p['150'].set(); s.p['151'].set(answer=1); s.p['152'].set(answer=1); c = s.trunk.call('0001382', cid=C1); t = time.time()
    while not any(p.list and p.list[-1].state == 'up' for p in s.p.values()) and time.time() - t < 25: time.sleep(0.2)
    time.sleep(3); c.bye()
@scenario(X('internal', 'answered', '153', None, 3, None), note='153 pages 150 and 151 (Page)')
def page(s):
    s.p['150'].set(answer=.5); s.p['151'].set(answer=.5); c = up(s.p['153'].call('888')); time.sleep(4); c.bye()
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['151']), note='150 answers, REFERs the client into the queue; 151 answers there')
def transfer_to_queue(s):
    s.p['150'].set(answer=1); s.p['151'].set(answer=2); s.p['152'].set(); c = up(s.trunk.call('0001370', cid=C1)); time.sleep(1.5); m = s.p['150'].last(); s.p['150'].set(); m.refer('600'); time.sleep(1); m.bye(); time.sleep(5); c.bye()

@scenario(X('outgoing', 'answered', OUT, 1, None, None, ['152']), note='the same, 152 answers after 14s')
def until_hangup_slow(s):
    s.trunk.set(answer=1); s.p['152'].set(answer=14); c = s.p['150'].call(OUT); up(c); uid = s.channels()[s.find(TECH + '/150')]
    p = subprocess.Popen([CT, '--root', ROOT, 'tail', ENT, '--call', uid, '--until-hangup', '--tz', 'UTC'], stdout=open(BASE + '/until_slow.out', 'w'), stderr=subprocess.STDOUT)
    ended = []; threading.Thread(target=lambda: (p.wait(), ended.append(time.time())), daemon=True).start()
    time.sleep(1.5); c.refer('152'); time.sleep(1); c.bye(); time.sleep(16); t = time.time(); s.trunk.last().bye(); time.sleep(13)
    print('   tail ended %s' % ('%.1fs before the call' % (t - ended[0]) if ended and ended[0] < t else '%.1fs after the call' % (ended[0] - t) if ended else 'never'))
    if p.poll() is None: p.kill()

# ---------- over midnight (run alone, under a faked clock that begins at 23:59:40)
def until(hms):
    from ami import OFFSET
    want = sum(int(x) * m for x, m in zip(hms.split(':'), (3600, 60, 1)))
    time.sleep(max(0, want - (time.time() + OFFSET) % 86400))
@scenario(X('incoming', 'answered', C1, 1, None, '150', ['151']), X('incoming', 'missed', C2, 9, None, None), note='one call talks over midnight and is transferred after it, one rings over midnight')
def midnight(s):
    until('23:59:50'); s.p['150'].set(answer=1); s.p['151'].set(); s.p['152'].set(); c = up(s.trunk.call('0001370', cid=C1)); s.p['150'].set(); until('23:59:55'); d = s.trunk.call('0001363', cid=C2); time.sleep(9); d.cancel()
    time.sleep(1); s.p['151'].set(answer=1); s.p['150'].list[0].dtmf('*2151'); time.sleep(5); s.p['150'].list[0].bye(); time.sleep(3); c.bye()

if __name__ == '__main__':
    names = [a for a in sys.argv[1:] if not a.startswith('-')] or [n for n in S if n != 'midnight']
    r = Rig(); missing = [n for n in names if n not in S]
    assert not missing, missing
    for n in names:
        fn, expect, note = S[n]; d = r.capture(n, fn, note)
        t = json.load(open(d + '/truth.json')); t['expect'] = expect; json.dump(t, open(d + '/truth.json', 'w'), indent=1, ensure_ascii=False)
