//! What goes wrong around the stages, and what each of it ends in: success, at once or when
//! the state machine calls again, or one clear error. In either case no reader and no later
//! run trips over what was left.

mod bucket;
mod fault;
mod full;
mod memory;
mod message;
mod multipart;
mod proxy;
mod publish;
mod stale;
mod sweep;
