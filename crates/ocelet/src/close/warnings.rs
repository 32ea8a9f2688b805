//! [`Warnings`]: what is told once for all flavors that it is true of, instead of once for each.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Event;
use crate::host::Host;
use crate::recipe::{Flavor, FlavorName, Platform};

/// What there is to tell of one platform.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    messages: BTreeMap<String, BTreeSet<FlavorName>>,
}

impl Warnings {
    /// Something that is true of a flavor.
    pub(super) fn add(&mut self, flavor: &Flavor, message: String) {
        self.messages.entry(message).or_default().insert(flavor.name.value.clone());
    }

    /// Tells all of it, in the order of the words.
    pub(super) fn tell(&self, host: &Host<'_>, platform: &Platform) {
        for (message, flavors) in &self.messages {
            let flavors: Vec<&str> = flavors.iter().map(FlavorName::as_str).collect();
            let message = format!("{message} ({} for {platform})", flavors.join(", "));
            host.observer.observe(&Event::Warning { message: &message });
        }
    }
}
