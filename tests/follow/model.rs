//! A file system in memory in which files are written, renamed, truncated, collapsed, copied, deleted and created
//! again while a reader looks: it may act before any answer. It knows every line that was ever written, and which of
//! them no reader could have read.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use calltrace_follow::{ArchivePart, FileStat, FileSystem, OpenFile};
use calltrace_store::error::Error;
use calltrace_store::fsx::FileIdentity;
use calltrace_store::tree::{EnterpriseName, FileName, ListedFile};

use testing::generator::random::SplitMix64;

/// The unit in which the model's file system can remove the front of a file (bytes).
const UNIT: usize = 512;

/// The minimum number of looks of the reader between two collapses of one file, or a truncation and a collapse.
const LOOKS_BETWEEN: usize = 6;

/// After this number of reads the reader knows that the content has changed.
const READS_TO_KNOW: usize = 4;

/// A content with less than this cannot be identified (bytes).
const TELLING_BYTES: usize = 24;

/// A written line: its text, the content and file that it went to, and its index in that content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) content: u64,
    pub(crate) place: usize,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    bytes: Vec<u8>,
    links: u64,
    modified: i64,
    /// Changes on truncation: a new content under the old number.
    content: u64,
    /// Lines of this content, complete or begun.
    lines: usize,
    /// Whether the reader has it open.
    opened: bool,
    /// How often the reader has asked for its state.
    looks: usize,
    /// How often the reader has received some of this content.
    reads: usize,
    /// The rest of a line that was begun and not ended.
    rest: Vec<u8>,
    /// Whether a writer keeps it open.
    held: bool,
}

/// A collapse in progress.
#[derive(Debug, Clone, Copy)]
enum Collapse {
    Copied { inode: u64, end: usize },
    Blanked { inode: u64, cut: usize },
}

/// The operations that the model performs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DiskOps {
    pub(crate) truncations: bool,
    pub(crate) collapses: bool,
    pub(crate) copies: bool,
}

/// The file system.
pub(crate) struct Model {
    random: SplitMix64,
    ops: DiskOps,
    /// Whether it acts before it answers.
    pub(crate) alive: bool,
    names: BTreeMap<String, u64>,
    inodes: HashMap<u64, Inode>,
    archives: Vec<Vec<Vec<u8>>>,
    names_changed: u64,
    clock: i64,
    next_inode: u64,
    free_inodes: Vec<u64>,
    next_content: u64,
    next_line: u64,
    days: u32,
    holder: Option<u64>,
    collapse: Option<Collapse>,
    /// The number of looks at a content at its last collapse.
    collapsed: HashMap<u64, usize>,
    /// A copy was made, and the original is about to be truncated.
    copied: Option<(u64, usize)>,
    /// Every line by its text.
    pub(crate) written: HashMap<Vec<u8>, Written>,
    /// Lines that were in a file when it was truncated, or deleted before a reader opened it.
    pub(crate) may_be_lost: HashSet<Vec<u8>>,
    pub(crate) done: Vec<String>,
}

pub(crate) const ENTERPRISE: &str = "0367";
const LIVE: &str = "events.log";

impl Model {
    pub(crate) fn new(seed: u64, ops: DiskOps) -> Model {
        Model {
            random: SplitMix64::new(seed),
            ops,
            alive: false,
            names: BTreeMap::new(),
            inodes: HashMap::new(),
            archives: Vec::new(),
            names_changed: 0,
            clock: 0,
            next_inode: 1,
            free_inodes: Vec::new(),
            next_content: 0,
            next_line: 0,
            days: 0,
            holder: None,
            collapse: None,
            collapsed: HashMap::new(),
            copied: None,
            written: HashMap::new(),
            may_be_lost: HashSet::new(),
            done: Vec::new(),
        }
    }

    /// Performs one action.
    pub(crate) fn act(&mut self) {
        self.clock += 1;
        match self.random.below(100) {
            0..66 => self.append(),
            66..69 => self.rename_live(),
            69..72 => self.seal(),
            72..76 => self.release(),
            76..84 if self.ops.collapses => self.collapse_step(),
            84..87 if self.ops.truncations => self.truncate(),
            87..92 if self.ops.copies => self.copy_truncate_step(),
            92..94 => self.delete_live(),
            _ => self.append(),
        }
    }

    /// Finishes all actions, so that every line gets its newline and every rotation its end.
    pub(crate) fn settle(&mut self) {
        self.alive = false;
        while self.collapse.is_some() {
            self.collapse_step();
        }
        if self.copied.is_some() {
            self.copy_truncate_step();
        }
        let open: Vec<u64> = self.inodes.keys().copied().collect();
        for inode in open {
            self.finish_line(inode);
        }
    }

    fn log(&mut self, what: String) {
        self.done.push(what);
    }

    fn touch_names(&mut self) {
        self.names_changed += 1;
    }

    fn inode(&mut self, number: u64) -> &mut Inode {
        self.inodes.get_mut(&number).expect("a known inode")
    }

    fn create(&mut self, name: &str) -> u64 {
        // Inode numbers are reused, as on ext4.
        let number = match self.free_inodes.pop() {
            Some(number) if self.random.below(2) == 0 => number,
            _ => {
                self.next_inode += 1;
                self.next_inode
            }
        };
        self.next_content += 1;
        let inode = Inode {
            links: 1,
            content: self.next_content,
            modified: self.clock,
            ..Inode::default()
        };
        self.inodes.insert(number, inode);
        self.names.insert(name.to_owned(), number);
        self.touch_names();
        self.log(format!("create {name} = inode {number}"));
        number
    }

    /// Adds a line to the file that a writer holds open, otherwise to the live one.
    fn append(&mut self) {
        let held = self.holder.filter(|_| self.random.below(3) > 0);
        let number = match held {
            Some(number) => number,
            None => {
                let name = if self.random.below(8) == 0 {
                    "events_2025-12-02.log"
                } else {
                    LIVE
                };
                match self.names.get(name) {
                    Some(&number) => number,
                    None => self.create(name),
                }
            }
        };
        if self.holder.is_none() && self.random.below(20) == 0 {
            self.holder = Some(number);
            self.inode(number).held = true;
        }
        self.write(number);
    }

    fn write(&mut self, number: u64) {
        self.finish_line(number);
        self.next_line += 1;
        let (line, clock) = (self.next_line, self.clock);
        let filler = match self.random.below(40) {
            0 => 3000,
            1..5 => self.random.below(700) as usize,
            _ => self.random.below(120) as usize,
        };
        let text = format!(
            "2025-12-02 09:{:02}:{:02},{:03}|AST|start|{line}.1|{{\"X\": \"{}\"}}",
            clock / 60_000 % 60,
            clock / 1000 % 60,
            clock % 1000,
            // No two stretches are the same, as in a log.
            &format!("{line} ").repeat(filler / 2 + 1)[..filler]
        );
        let half = (self.random.below(12) == 0).then(|| self.random.below(text.len() as u32));
        let inode = self.inode(number);
        let written = Written {
            content: inode.content,
            place: inode.lines,
        };
        inode.lines += 1;
        inode.modified = clock;
        let whole = format!("{text}\n").into_bytes();
        let now = half.map_or(whole.len(), |half| half as usize);
        inode.bytes.extend_from_slice(&whole[..now]);
        inode.rest = whole[now..].to_vec();
        if inode.links == 0 && !inode.opened {
            // It can no longer be opened.
            self.may_be_lost.insert(text.clone().into_bytes());
        }
        self.written.insert(text.into_bytes(), written);
        self.log(format!("line {line} into inode {number}"));
    }

    fn finish_line(&mut self, number: u64) {
        let clock = self.clock;
        let inode = self.inode(number);
        if !inode.rest.is_empty() {
            let rest = std::mem::take(&mut inode.rest);
            inode.bytes.extend(rest);
            inode.modified = clock;
        }
    }

    fn rename_live(&mut self) {
        // A rotation finishes one action before it begins the next.
        if self.collapse.is_some() {
            return;
        }
        let Some(number) = self.names.remove(LIVE) else {
            return;
        };
        self.days += 1;
        let name = format!(
            "events.log-2024{:02}{:02}",
            self.days / 28 % 12 + 1,
            self.days % 28 + 1
        );
        self.log(format!("rename live to {name}"));
        self.names.insert(name, number);
        self.touch_names();
    }

    /// Compresses a dated file and deletes it, if no process writes to it any more.
    fn seal(&mut self) {
        let dated: Vec<(String, u64)> = self
            .names
            .iter()
            .filter(|(name, number)| name.as_str() != LIVE && !self.inodes[number].held)
            .map(|(name, number)| (name.clone(), *number))
            .collect();
        if dated.is_empty() {
            return;
        }
        let (name, number) = dated[self.random.below(dated.len() as u32) as usize].clone();
        self.finish_line(number);
        self.archives.push(vec![self.inodes[&number].bytes.clone()]);
        self.log(format!("seal {name}"));
        self.unlink(&name);
    }

    fn unlink(&mut self, name: &str) {
        let Some(number) = self.names.remove(name) else {
            return;
        };
        self.touch_names();
        self.inode(number).links = 0;
        self.lose_unseen(number);
        let inode = &self.inodes[&number];
        if !inode.held && !inode.opened {
            self.inodes.remove(&number);
            self.free_inodes.push(number);
        }
        if matches!(self.collapse, Some(Collapse::Copied { inode, .. } | Collapse::Blanked { inode, .. }) if inode == number)
        {
            self.collapse = None;
        }
        if self.copied.is_some_and(|(inode, _)| inode == number) {
            self.copied = None;
        }
    }

    /// Deleted before the reader opened it, so its lines cannot be known.
    fn lose_unseen(&mut self, number: u64) {
        let inode = self.inodes[&number].clone();
        if !inode.opened {
            self.lose(inode.content);
            // The content of a copy was written to another file.
            let lines = inode.bytes.split(|&b| b == b'\n');
            self.may_be_lost.extend(lines.map(<[u8]>::to_vec));
        }
    }

    fn lose(&mut self, content: u64) {
        let lost = self.written.iter().filter(|(_, w)| w.content == content);
        let lost: Vec<Vec<u8>> = lost.map(|(text, _)| text.clone()).collect();
        self.may_be_lost.extend(lost);
    }

    fn release(&mut self) {
        let Some(number) = self.holder.take() else {
            return;
        };
        self.finish_line(number);
        self.inode(number).held = false;
    }

    fn delete_live(&mut self) {
        self.log("delete live".to_owned());
        self.unlink(LIVE);
    }

    fn truncate(&mut self) {
        let Some(&number) = self.names.get(LIVE) else {
            return;
        };
        self.log("truncate live".to_owned());
        self.cut(number);
    }

    fn cut(&mut self, number: u64) {
        self.collapse = None;
        self.copied = None;
        self.lose(self.inodes[&number].content);
        self.next_content += 1;
        let (content, clock) = (self.next_content, self.clock);
        let inode = self.inode(number);
        inode.bytes.clear();
        inode.rest.clear();
        inode.lines = 0;
        inode.reads = 0;
        inode.content = content;
        inode.modified = clock;
        let looks = inode.looks;
        self.collapsed.insert(content, looks);
    }

    /// A copy under another name, and later the truncation, as copytruncate of logrotate does. Lines that are written
    /// in between are lost.
    fn copy_truncate_step(&mut self) {
        if let Some((number, copied)) = self.copied.take() {
            self.log("truncate what was copied".to_owned());
            let content = self.inodes[&number].content;
            let bytes = self.inodes[&number].bytes.clone();
            let whole: HashSet<&[u8]> = bytes[..copied].split(|&b| b == b'\n').collect();
            let kept: Vec<Vec<u8>> = self
                .written
                .iter()
                .filter(|(text, w)| w.content == content && whole.contains(text.as_slice()))
                .filter(|(text, _)| !self.may_be_lost.contains(*text))
                .map(|(text, _)| text.clone())
                .collect();
            self.cut(number);
            for text in kept {
                self.may_be_lost.remove(&text);
            }
            return;
        }
        let Some(&number) = self.names.get(LIVE) else {
            return;
        };
        let opened = self.inodes[&number].opened;
        self.finish_line(number);
        let bytes = self.inodes[&number].bytes.clone();
        if bytes.is_empty() || self.collapse.is_some() || !opened {
            return;
        }
        self.days += 1;
        let name = format!("events.log.{}", self.days);
        self.log(format!("copy live to {name}"));
        let copy = self.create(&name);
        let (held, length) = (self.inodes[&number].bytes.len(), bytes.len());
        assert_eq!(held, length);
        self.inode(copy).bytes = bytes;
        self.copied = Some((number, length));
    }

    /// Copies, then blanks, then removes the front, as `rotate --mode collapse` does.
    fn collapse_step(&mut self) {
        match self.collapse.take() {
            None => {
                let Some(&number) = self.names.get(LIVE) else {
                    return;
                };
                let bytes = &self.inodes[&number].bytes;
                let end = bytes
                    .iter()
                    .rposition(|&b| b == b'\n')
                    .map_or(0, |at| at + 1);
                let blank = bytes[..end].iter().all(|&b| b == b'\n');
                // Two collapses of one file are a day apart, so the reader has looked meanwhile.
                let looks = self.inodes[&number].looks;
                let before = self.collapsed.get(&self.inodes[&number].content);
                let again = before.is_some_and(|before| looks < before + LOOKS_BETWEEN);
                if blank || again || self.copied.is_some() {
                    return;
                }
                let part = bytes[..end].to_vec();
                let grown = self.random.below(2) == 0 && !self.archives.is_empty();
                match self.archives.last_mut().filter(|_| grown) {
                    Some(parts) => parts.push(part),
                    None => self.archives.push(vec![part]),
                }
                self.log(format!("collapse: copied {end}"));
                self.collapse = Some(Collapse::Copied { inode: number, end });
            }
            Some(Collapse::Copied { inode, end }) => {
                let cut = Self::cut_of(end, self.inodes[&inode].bytes.len());
                let clock = self.clock;
                if cut == 0 && self.inodes[&inode].reads < READS_TO_KNOW {
                    self.lose(self.inodes[&inode].content);
                }
                let file = self.inode(inode);
                file.bytes[cut..end].fill(b'\n');
                file.modified = clock;
                self.log(format!("collapse: blanked {cut}..{end}"));
                if cut == 0 {
                    let file = &self.inodes[&inode];
                    self.collapsed.insert(file.content, file.looks);
                }
                self.collapse = (cut > 0).then_some(Collapse::Blanked { inode, cut });
            }
            Some(Collapse::Blanked { inode, cut }) => {
                let clock = self.clock;
                if self.inodes[&inode].reads < READS_TO_KNOW {
                    self.lose(self.inodes[&inode].content);
                }
                let file = self.inode(inode);
                file.bytes.drain(..cut);
                file.modified = clock;
                let (content, looks) = (file.content, file.looks);
                self.collapsed.insert(content, looks);
                self.log(format!("collapse: took off {cut}"));
            }
        }
    }

    fn cut_of(end: usize, bytes: usize) -> usize {
        let cut = end - end % UNIT;
        if cut == bytes { cut - UNIT } else { cut }
    }

    fn sometimes_act(&mut self) {
        if !self.alive {
            return;
        }
        if self.random.one_in(8) {
            self.act();
        }
    }
}

/// The model, shared with the files that are open.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Rc<RefCell<Model>>);

/// An open file.
pub(crate) struct Handle {
    model: Rc<RefCell<Model>>,
    number: u64,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut model = self.model.borrow_mut();
        let Some(inode) = model.inodes.get_mut(&self.number) else {
            return;
        };
        inode.opened = false;
        if inode.links == 0 && !inode.held {
            model.inodes.remove(&self.number);
            let number = self.number;
            model.free_inodes.push(number);
        }
    }
}

impl FileSystem for Shared {
    type File = Handle;

    fn enterprises(&self) -> Result<Vec<EnterpriseName>, Error> {
        Ok(vec![EnterpriseName::new(ENTERPRISE).expect("a name")])
    }

    fn names_changed(&self, _: &EnterpriseName) -> io::Result<SystemTime> {
        let model = self.0.borrow();
        Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(model.names_changed))
    }

    fn list(&self, _: &EnterpriseName) -> io::Result<Vec<ListedFile>> {
        let mut model = self.0.borrow_mut();
        model.sometimes_act();
        let mut listed: Vec<ListedFile> = model
            .names
            .iter()
            .map(|(name, number)| {
                let inode = &model.inodes[number];
                ListedFile {
                    name: FileName::parse(name).unwrap_or_else(|| panic!("{name}")),
                    identity: FileIdentity::new(1, *number),
                    bytes: inode.bytes.len() as u64,
                    modified: inode.modified,
                }
            })
            .collect();
        // Each addition to an archive makes a new file.
        let archives = model.archives.iter().enumerate();
        listed.extend(archives.map(|(at, parts)| ListedFile {
            name: FileName::parse(&archive_name(at)).expect("a name"),
            identity: FileIdentity::new(2, (at * 1000 + parts.len()) as u64),
            bytes: parts.iter().map(|part| part.len() as u64).sum(),
            modified: (at * 1000 + parts.len()) as i64,
        }));
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    fn open(&self, _: &EnterpriseName, name: &FileName) -> io::Result<Handle> {
        let mut model = self.0.borrow_mut();
        model.sometimes_act();
        let number = *model
            .names
            .get(&name.full())
            .ok_or(io::ErrorKind::NotFound)?;
        model.inode(number).opened = true;
        model.log(format!("the reader opens {} = inode {number}", name.full()));
        Ok(Handle {
            model: Rc::clone(&self.0),
            number,
        })
    }

    fn parts(&self, _: &EnterpriseName, name: &FileName) -> io::Result<Vec<ArchivePart>> {
        let mut model = self.0.borrow_mut();
        model.sometimes_act();
        let known = model.archives.iter();
        let parts = known
            .enumerate()
            .find(|(at, _)| archive_name(*at) == name.full());
        let (_, parts) = parts.ok_or(io::ErrorKind::NotFound)?;
        let part = |content: &Vec<u8>| {
            let (bytes, own) = (content.len() as u64, content.clone());
            ArchivePart::new(
                content,
                move || Ok(bytes),
                move |into, offset| Ok(copy_from(&own, into, offset)),
            )
        };
        Ok(parts.iter().map(part).collect())
    }
}

/// The name of the archive with this number.
fn archive_name(at: usize) -> String {
    format!("events.log.{}.gz", 1_000_000 - at)
}

impl OpenFile for Handle {
    fn stat(&self) -> io::Result<FileStat> {
        let mut model = self.model.borrow_mut();
        model.sometimes_act();
        let number = self.number;
        model.log(format!("the reader looks at inode {number}"));
        model.inode(number).looks += 1;
        let inode = &model.inodes[&self.number];
        Ok(FileStat {
            identity: FileIdentity::new(1, self.number),
            bytes: inode.bytes.len() as u64,
            modified: inode.modified,
            links: inode.links,
        })
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut model = self.model.borrow_mut();
        model.sometimes_act();
        let got = copy_from(&model.inodes[&self.number].bytes, into, offset);
        let number = self.number;
        model.inode(number).reads += usize::from(got > TELLING_BYTES);
        model.log(format!(
            "the reader gets {got} bytes of inode {number} at {offset}"
        ));
        Ok(got)
    }
}

fn copy_from(bytes: &[u8], into: &mut [u8], offset: u64) -> usize {
    let from = usize::try_from(offset).expect("small").min(bytes.len());
    let got = into.len().min(bytes.len() - from);
    into[..got].copy_from_slice(&bytes[from..from + got]);
    got
}
