//! Sealed days in object storage, over real stores: a SeaweedFS cluster that all tests share, moto, and a proxy in
//! front of them that delays and fails.

mod answers;
mod bucket;
mod late_store;
mod rates;
mod reading;
mod secrets;
mod ship_days;
mod ship_deaths;
mod ship_faults;
mod ship_program;
mod ship_scene;
mod stores;
