//! [`ExitClass`]: the few kinds of end that a run can come to, which scripts tell apart by the exit code.

/// What kind of end it was; the numbers are the command line's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitClass {
    /// The work failed.
    Failed = 1,
    /// Wrong usage, or an invalid recipe.
    Usage = 2,
    /// An input is not what it should be: digest or signature.
    Verification = 3,
    /// An input could not be had.
    Unavailable = 4,
}
