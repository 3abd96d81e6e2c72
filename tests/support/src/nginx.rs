//! An nginx of a test, in the foreground, with all its files in one folder.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// The longest time that it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where Debian installs it, outside the path of users.
const INSTALLED: &str = "/usr/sbin/nginx";

/// An nginx that runs until it is dropped.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    address: SocketAddr,
}

impl Nginx {
    /// Starts it with the blocks `upstream` and `server` that `site` makes for the address to listen at.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub fn start(dir: &Path, site: impl FnOnce(SocketAddr) -> String) -> Nginx {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        write(dir, &site(address));
        let child = command(dir).spawn().expect("nginx is installed");
        let nginx = Nginx { child, address };
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            let log = || fs::read_to_string(dir.join("nginx.log")).unwrap_or_default();
            assert!(begin.elapsed() < PATIENCE, "{}", log());
            thread::sleep(Duration::from_millis(5));
        }
        nginx
    }

    /// The address that it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the site and the smallest configuration around it.
///
/// # Panics
/// When the folder can't be written to.
pub fn write(dir: &Path, site: &str) {
    let folder = dir.display();
    fs::write(dir.join("site.conf"), site).expect("written");
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    let around = format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}include {folder}/site.conf;\n}}\n"
    );
    fs::write(dir.join("nginx.conf"), around).expect("written");
}

/// The program with the configuration in `dir`; its own log is `nginx.log` there.
pub fn command(dir: &Path) -> Command {
    let mut command = match Path::new(INSTALLED).exists() {
        true => Command::new(INSTALLED),
        false => Command::new("nginx"),
    };
    command
        .arg("-p")
        .arg(dir)
        .arg("-c")
        .arg(dir.join("nginx.conf"));
    command.arg("-e").arg(dir.join("nginx.log"));
    command
}
