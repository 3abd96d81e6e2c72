//! Sealed days in object storage, over real stores: a SeaweedFS cluster that all tests share, moto, and a proxy in
//! front of them that delays and fails.

mod bucket;
mod rates;
mod reading;
mod secrets;
mod stores;
