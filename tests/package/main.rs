//! The Debian package, and what the program is made of.

mod install;
mod packaging;
mod settings;
mod supply;
mod supplying;
mod tarball;
