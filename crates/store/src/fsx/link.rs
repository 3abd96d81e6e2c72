//! Symbolic links in the place of a log: which ones are followed, and where they lead.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, Stat};

use super::folder::{FOLDER, one_part};
use super::not_a_file::{NotAFile, is_link, regular};
use super::{Folder, Purpose};

/// The target of a symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// To this name in the folder of the link.
    Inside(String),
    /// Out of the folder; root or the user who runs this made the link.
    Out(PathBuf),
    /// Out of the folder; another user made the link.
    OthersOut,
}

impl Folder {
    /// Opens a regular file for reading, also through a link. Writers keep a link to the current
    /// file, which names another file of this folder. A link that leads out of the folder is
    /// followed if root or the user who runs this made it: then it is the administrator's choice
    /// where the file is. The target must not be a link itself.
    ///
    /// # Errors
    /// As [`Folder::open_file`].
    pub fn open_current(&self, name: &str) -> io::Result<(File, Metadata)> {
        match self.target(name)? {
            Some((folder, target)) => {
                let opened = folder.open_file(&target, Purpose::Read);
                opened.map_err(of_target)
            }
            None => self.open_file(name, Purpose::Read),
        }
    }

    /// The `stat` of the file that [`Folder::open_current`] would open.
    ///
    /// # Errors
    /// [`NotAFile`]; any other error of the kernel.
    pub fn look_current(&self, name: &str) -> io::Result<Stat> {
        let stat = self.stat(name)?;
        let stat = match is_link(stat.st_mode) {
            false => stat,
            true => match self.target(name)? {
                Some((folder, target)) => folder.stat(&target).map_err(of_target)?,
                None => self.stat(name)?,
            },
        };
        regular(stat.st_mode)?;
        Ok(stat)
    }

    /// The target of a link, judged by its owner; `None` for a name that is not a link.
    ///
    /// # Errors
    /// When there is no such name.
    pub fn link(&self, name: &str) -> io::Result<Option<Link>> {
        let name = one_part(name)?;
        if !is_link(self.stat(name)?.st_mode) {
            return Ok(None);
        }
        // The link is opened before its owner is checked, so the checked link is the one that is
        // followed.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let link = rustix::fs::openat(self, name, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&link)?;
        if !is_link(stat.st_mode) {
            return Ok(None);
        }
        let text = rustix::fs::readlinkat(&link, "", Vec::new())?;
        let Ok(text) = text.into_string() else {
            return Ok(Some(Link::OthersOut));
        };
        let is_ours = stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw();
        Ok(Some(match one_part(&text).is_ok() {
            true => Link::Inside(text),
            false if is_ours => Link::Out(PathBuf::from(text)),
            false => Link::OthersOut,
        }))
    }

    /// The target's folder and its name there; `None` for a name that is not a link.
    fn target(&self, name: &str) -> io::Result<Option<(Folder, String)>> {
        match self.link(name)? {
            None => Ok(None),
            Some(Link::Inside(target)) => Ok(Some((self.clone(), target))),
            Some(Link::OthersOut) => Err(io::Error::other(NotAFile::Link)),
            Some(Link::Out(path)) => {
                let file = path.file_name().and_then(|file| file.to_str());
                let (Some(file), Some(parent)) = (file, path.parent()) else {
                    return Err(io::Error::other(NotAFile::Link));
                };
                let open = || Ok(rustix::fs::openat(self, parent, FOLDER, Mode::empty())?);
                let parent_folder = self.rights().act(open).map_err(of_target)?;
                let shown = self.path().join(parent);
                let folder = Folder::with(parent_folder, shown, self.rights().clone());
                Ok(Some((folder, file.to_owned())))
            }
        }
    }
}

/// Turns an error about the target into one about the link.
fn of_target(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::NotFound => io::Error::other(NotAFile::DeadLink),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::fs::FileType;

    use super::*;
    use crate::fsx::read_small;

    fn refusal(folder: &Folder, name: &str) -> Option<NotAFile> {
        let opened = folder.open_current(name).expect_err("refused");
        let looked = folder.look_current(name).map(|_| ()).expect_err("refused");
        assert_eq!(NotAFile::of(&opened), NotAFile::of(&looked), "{name}");
        NotAFile::of(&opened)
    }

    #[test]
    fn only_regular_files_and_links_inside_the_folder_are_opened() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(dir.path()).expect("open");
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "x").expect("written");
        fs::create_dir(at("folder")).expect("made");
        symlink("file", at("current")).expect("linked");
        symlink("current", at("twice")).expect("linked");
        symlink("./file", at("by path")).expect("linked");
        symlink("gone", at("dead")).expect("linked");
        let elsewhere = tempfile::tempdir().expect("a folder");
        let outside = |name: &str| elsewhere.path().join(name);
        fs::write(outside("log"), "x").expect("written");
        fs::create_dir(outside("folder")).expect("made");
        symlink("log", outside("link")).expect("linked");
        symlink(outside("log"), at("out")).expect("linked");
        symlink(outside("folder"), at("out to a folder")).expect("linked");
        symlink(outside("link"), at("out to a link")).expect("linked");
        symlink(outside("none"), at("out to nothing")).expect("linked");
        symlink(outside("none/log"), at("out to no folder")).expect("linked");
        let fifo = (FileType::Fifo, Mode::RUSR | Mode::WUSR);
        rustix::fs::mknodat(&folder, "fifo", fifo.0, fifo.1, 0).expect("a fifo");

        for name in ["file", "current", "by path", "out"] {
            assert!(folder.open_current(name).is_ok(), "{name}");
            assert!(folder.look_current(name).is_ok(), "{name}");
            assert_eq!(
                folder.open_file(name, Purpose::Read).is_ok(),
                name == "file"
            );
        }
        for (name, why) in [
            ("twice", NotAFile::Link),
            ("dead", NotAFile::DeadLink),
            ("out to a folder", NotAFile::Folder),
            ("out to a link", NotAFile::Link),
            ("out to nothing", NotAFile::DeadLink),
            ("out to no folder", NotAFile::DeadLink),
            ("folder", NotAFile::Folder),
            ("fifo", NotAFile::Special),
        ] {
            assert_eq!(refusal(&folder, name), Some(why), "{name}");
        }
        for name in ["", ".", "..", "../x", "/etc/hostname", "folder/x"] {
            let refused = folder.open_current(name).expect_err("refused");
            assert_eq!(refused.kind(), ErrorKind::InvalidFilename, "{name}");
        }
        fs::create_dir(at("other")).expect("made");
        fs::write(at("other/inside"), "x").expect("written");
        assert!(folder.subfolder("folder").is_ok() && folder.subfolder("current").is_err());
        assert!(folder.subfolder("other").expect("open").has("inside"));
        let read = |bytes_max| {
            let (file, metadata) = folder.open_file("file", Purpose::Read)?;
            read_small(file, &metadata, bytes_max)
        };
        assert!(read(0).is_err());
        assert_eq!(read(1).expect("read"), b"x");
    }

    #[test]
    fn a_link_of_another_user_does_not_lead_out() {
        if !rustix::process::geteuid().is_root() {
            return testing::skipped("only root can give a link away");
        }
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("log"), "x").expect("written");
        fs::create_dir(dir.path().join("0367")).expect("made");
        let folder = Folder::open(&dir.path().join("0367")).expect("open");
        let link = dir.path().join("0367/events.log");
        symlink("../log", &link).expect("linked");
        assert!(folder.open_current("events.log").is_ok());
        std::os::unix::fs::lchown(&link, Some(12_345), None).expect("given");
        assert_eq!(refusal(&folder, "events.log"), Some(NotAFile::Link));
        assert_eq!(
            folder.link("events.log").expect("a link"),
            Some(Link::OthersOut)
        );
    }
}
