//! [`Flags`]: which candidate is preferred where several will do.

use std::ops::{BitOr, BitOrAssign};

/// How candidates are preferred, for the whole request or for one name (`APK_SOLVERF_*` of apk-tools).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u8);

impl Flags {
    /// What is installed or locked is kept if it will do; else the newest.
    pub const NONE: Self = Self(0);
    /// The newest, whatever is installed or locked (`--upgrade`).
    pub const UPGRADE: Self = Self(1);
    /// Only what a repository offers (`--available`).
    pub const AVAILABLE: Self = Self(2);
    /// What is installed is installed again (`apk fix`).
    pub const REINSTALL: Self = Self(4);
    /// The newest even if it cannot be installed (`--latest`).
    pub const LATEST: Self = Self(8);
    /// What is installed or locked is kept even while the rest is upgraded (`--ignore`).
    pub const INSTALLED: Self = Self(16);
    /// What is installed is no better than anything else (`apk del`).
    pub const REMOVE: Self = Self(32);
    /// Conflicts are not looked at.
    pub const IGNORE_CONFLICT: Self = Self(64);

    /// Whether all of `flags` are set.
    pub fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Whether any of `flags` is set.
    pub(super) fn has_any(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }

    /// These without `flags`.
    #[must_use]
    pub fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
