//! Signatures, against what others make and what the documentation shows.
mod behaviour;
mod caller_key;
mod documented;
mod equality;
mod payload;
mod published;
mod request;
