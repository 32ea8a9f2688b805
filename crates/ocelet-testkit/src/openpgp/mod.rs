//! OpenPGP keys and signatures, good and bad ones, made by code: the same bytes each time. THE SECRETS FOLLOW FROM THE
//! SOURCE: nothing may trust them.
//!
//! Nothing is checked here: tests want to make what is wrong as much as what is right.

mod forged;
mod frame;

pub use forged::{DAY, Forged, MADE, Plan, SIGNED, Stamp, SubkeyPlan};
pub use frame::{armored, inline, signed_part};
