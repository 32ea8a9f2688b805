//! Tables of the facts about this module.
