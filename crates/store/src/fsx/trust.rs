//! Other users who can change what a path leads to.
//!
//! A user with write access to a folder on the path of an enterprise can put another folder, or a
//! link, in its place, and so choose what root opens. So the path is walked one name after the
//! other, through descriptors, and each folder and link on it is judged: **only root and the owner
//! of the last folder may be able to change it**.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::Accounts;

/// Links on one path; the kernel follows as many.
const LINKS_MAX: usize = 40;

const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

const ACCESS_LIST: &str = "system.posix_acl_access";

/// An open folder, and the folders and links on the path to it.
#[derive(Debug)]
pub struct WalkedPath {
    pub descriptor: OwnedFd,
    /// From the root of the file system to the folder, which is the last.
    passed: Vec<PathStep>,
}

#[derive(Debug)]
struct PathStep {
    path: PathBuf,
    is_link: bool,
    user: u32,
    group: u32,
    mode: u32,
    has_access_list: bool,
}

/// A folder or link through which another user may change where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntrustedStep {
    pub path: PathBuf,
    /// The reason, as a clause about the folder or link: "can be written to by every user (mode
    /// 0777)".
    pub why: String,
}

impl WalkedPath {
    /// Walks a path to its folder.
    ///
    /// # Errors
    /// When the path does not lead to a folder.
    pub fn walk(path: &Path) -> io::Result<WalkedPath> {
        let whole = std::path::absolute(path)?;
        let mut left: VecDeque<OsString> = parts(&whole).collect();
        let (mut at, mut descriptor) = (PathBuf::from("/"), root()?);
        let mut passed = vec![PathStep::of(&at, &descriptor)?];
        let mut links = 0;
        while let Some(name) = left.pop_front() {
            let next = at.join(&name);
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = rustix::fs::openat(&descriptor, name.as_os_str(), flags, Mode::empty())?;
            let step = PathStep::of(&next, &opened)?;
            if !step.is_link {
                at = match name == OsStr::new("..") {
                    true => at.parent().unwrap_or(&at).to_owned(),
                    false => next,
                };
                descriptor = opened;
                passed.push(step);
                continue;
            }
            links += 1;
            if links > LINKS_MAX {
                return Err(Errno::LOOP.into());
            }
            // The text of the link that was judged, even if its name now leads elsewhere.
            let text = rustix::fs::readlinkat(&opened, "", Vec::new())?;
            let text = PathBuf::from(OsString::from_vec(text.into_bytes()));
            passed.push(step);
            if text.is_absolute() {
                (at, descriptor) = (PathBuf::from("/"), root()?);
            }
            for part in parts(&text).collect::<Vec<_>>().into_iter().rev() {
                left.push_front(part);
            }
        }
        let is_folder = passed.last().is_some_and(PathStep::is_folder);
        match is_folder {
            true => Ok(WalkedPath { descriptor, passed }),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// The first folder or link through which a user other than root and the owner of the last
    /// folder can change what the path leads to.
    pub fn distrusted(&self, accounts: &Accounts) -> Option<UntrustedStep> {
        let (folder, before) = self.passed.split_last()?;
        let trusted = [0, folder.user];
        let on_the_way = before
            .iter()
            .find_map(|step| step.distrusted(trusted, accounts));
        on_the_way.or_else(|| {
            // The last folder's group is meant to write to it.
            let is_open = folder.mode & OTHERS_WRITE != 0;
            is_open.then(|| folder.untrusted(folder.open_to_all()))
        })
    }
}

impl PathStep {
    fn of(path: &Path, descriptor: &OwnedFd) -> io::Result<PathStep> {
        let stat = rustix::fs::fstat(descriptor)?;
        let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
        // An access list shows as permissions of the group, and then users outside the group may
        // have them too.
        let may_have_list = !is_link && stat.st_mode & GROUP_WRITES != 0;
        let mut none: [u8; 0] = [];
        let list = || rustix::fs::getxattr(path, ACCESS_LIST, &mut none[..]);
        Ok(PathStep {
            path: path.to_owned(),
            is_link,
            user: stat.st_uid,
            group: stat.st_gid,
            mode: stat.st_mode,
            has_access_list: may_have_list && { list }().is_ok_and(|bytes| bytes > 0),
        })
    }

    fn is_folder(&self) -> bool {
        FileType::from_raw_mode(self.mode) == FileType::Directory
    }

    fn distrusted(&self, trusted: [u32; 2], accounts: &Accounts) -> Option<UntrustedStep> {
        if !trusted.contains(&self.user) {
            let what = match self.is_link {
                true => "is a link of",
                false => "belongs to",
            };
            return Some(self.untrusted(format!("{what} {}", accounts.say(self.user))));
        }
        // In a sticky folder that root owns, only the owner of a name can rename or remove it.
        let is_safe = self.is_link || (self.mode & STICKY != 0 && self.user == 0);
        if is_safe {
            return None;
        }
        if self.mode & OTHERS_WRITE != 0 {
            return Some(self.untrusted(self.open_to_all()));
        }
        let is_shared = self.mode & GROUP_WRITES != 0
            && (self.has_access_list || !accounts.only_these_are_in(self.group, trusted));
        is_shared.then(|| {
            self.untrusted(format!(
                "can be written to by members of group {} (mode {:04o})",
                self.group,
                self.mode & 0o7777
            ))
        })
    }

    fn open_to_all(&self) -> String {
        format!(
            "can be written to by every user (mode {:04o})",
            self.mode & 0o7777
        )
    }

    fn untrusted(&self, why: String) -> UntrustedStep {
        UntrustedStep {
            path: self.path.clone(),
            why,
        }
    }
}

fn root() -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, "/", flags, Mode::empty())?)
}

/// The names of a path, `..` included.
fn parts(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};

    use super::*;

    fn judged(path: &Path) -> Option<UntrustedStep> {
        WalkedPath::walk(path)
            .expect("a folder")
            .distrusted(&Accounts::default())
    }

    #[test]
    fn each_folder_and_link_on_the_way_is_judged() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let (parent, folder) = (dir.path().join("tree"), dir.path().join("tree/0367"));
        fs::create_dir_all(&folder).expect("made");
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
        };
        chown(&folder, Some(4711), Some(4711)).expect("given away");
        mode(&folder, 0o2775);
        assert_eq!(judged(&folder), None, "its own group may write");
        mode(&folder, 0o777);
        assert_eq!(judged(&folder).expect("open").path, folder);
        mode(&folder, 0o755);

        for (bits, is_trusted) in [
            (0o777, false),
            (0o1777, true),
            (0o775, false),
            (0o755, true),
        ] {
            chown(&parent, Some(0), Some(4712)).expect("given");
            mode(&parent, bits);
            assert_eq!(judged(&folder).is_none(), is_trusted, "{bits:o}");
        }
        chown(&parent, Some(4711), Some(0)).expect("given");
        assert_eq!(judged(&folder), None, "the owner's own");
        chown(&parent, Some(4712), Some(0)).expect("given");
        assert_eq!(judged(&folder).expect("another's").path, parent);
        chown(&parent, Some(0), Some(0)).expect("given");

        let link = dir.path().join("link");
        symlink("tree/../tree", &link).expect("linked");
        assert_eq!(judged(&link.join("0367")), None, "a link of root's");
        lchown(&link, Some(4712), None).expect("given");
        let refused = judged(&link.join("0367")).expect("another's link");
        assert_eq!(
            (refused.path, refused.why),
            (link, "is a link of uid 4712".to_owned())
        );
    }
}
