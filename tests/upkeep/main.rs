//! `rotate` and `doctor`: no line is lost, and faults are named.

mod doctor;
mod doctor_access;
mod doctor_bodies;
mod doctor_clock;
mod doctor_commands;
mod doctor_days;
mod doctor_files;
mod doctor_tables;
mod doctor_writers;
mod doctoring;
mod gzip_endings;
mod hostile;
mod hostile_clocks;
mod hostile_folders;
mod recovered;
mod rotate_answers;
mod rotate_cli;
mod rotate_coincidence;
mod rotate_days;
mod rotate_faults;
mod rotate_first;
mod rotate_model;
mod rotate_others;
mod rotate_torture;
mod rotate_verify;
mod rotation;
