//! The Debian package, and the program's dependencies.

mod install;
mod packaging;
mod settings;
mod supply;
mod supplying;
mod tarball;
