//! `serve`: pages, the JSON API, who may see what, posted lines, and where names come from.

mod api_hostile;
mod api_ingest;
mod api_python;
mod api_routes;
mod call_page;
mod directory_metadata;
mod directory_postgres;
mod exposition;
mod pages;
mod postgres;
mod posting;
mod serve_access;
mod serve_calls;
mod serve_cli;
mod serve_link;
mod serve_list;
mod serve_manners;
mod serve_nginx;
mod serve_operation;
mod serve_stats;
mod serve_wire;
mod serving;
mod sync_records;
mod typed_names;
mod version_0_1;
