//! What the senders of events say they sent: the journals of hosts, here or over ssh, and the logs of the
//! services that send and receive events.
//!
//! All of them give [`calltrace_model::sighting::Sighting`]s, and say what they could not read. What the
//! sightings mean for the logs of an enterprise is for `calltrace-sync`.
