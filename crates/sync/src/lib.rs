//! What hosts sent against what arrived: events that are missing in the logs are found and recovered, calls
//! are copied to a database that asks for them.
//!
//! Where events come from is for `calltrace-hosts`; how the answers look is for `output` and `web`.
