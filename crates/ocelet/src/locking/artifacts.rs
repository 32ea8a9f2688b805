//! Brings artifacts home and writes down their sha256, and who says that it is the right one: the recipe, a file of
//! sums beside the release, the table of known releases, or nobody. Against the table nobody is believed.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_net::Address;
use ocelet_oci::Digest;
use ocelet_tree::ReadError;
use sha2::Sha512;

use super::error::{Trouble, WrongArtifact};
use super::released::{self, Release};
use super::sums::{self, Sum};
use super::{blamed, bytes, checked, locked_file, sources, wanted};
use crate::event::Event;
use crate::fetch::store::VerifiedBlob;
use crate::fetch::{Listed, Served, Supply, Wanted, bring_unpinned};
use crate::host::Host;
use crate::lock::{Lock, LockedArtifact, LockedFile, Vouched, mirror_path};
use crate::recipe::{ArtifactSource, Location, Platform, Recipe, SourceKind, SourceName};
use crate::resolve::{self, Update};

/// The most bytes of an artifact.
const MOST: u64 = 8 << 30;

/// An artifact for one platform, on its way into the lock.
struct Candidate<'recipe> {
    source: &'recipe SourceName,
    artifact: &'recipe ArtifactSource,
    platform: &'recipe Platform,
    location: Location,
    path: String,
    /// What the lock has for the same address.
    known: Option<&'recipe LockedArtifact>,
    /// What everybody knows of it.
    release: Option<&'static Release>,
    /// What it should be, and who says so.
    wanted: Option<(Sum, Vouched)>,
}

pub(super) fn pin(
    recipe: &Recipe,
    previous: Option<&Lock>,
    update: &Update,
    listed: &Listed,
    supply: &Supply<'_>,
    host: &Host<'_>,
    trouble: &mut Vec<Trouble>,
) -> Vec<LockedArtifact> {
    let mut pinned = Vec::new();
    let mut candidates = candidates(recipe, previous);
    candidates.retain(|candidate| {
        if let Some((sum, Vouched::Recipe)) = &candidate.wanted
            && let Some(problem) = candidate.contradicts("the recipe", *sum)
        {
            trouble.push(problem);
            return false;
        }
        let Some(kept) = candidate.kept(recipe, update) else { return true };
        match released::contradiction(&candidate.location, &kept) {
            Some(problem) => trouble.push(problem),
            None => pinned.push(kept),
        }
        false
    });
    let candidates = with_sums(recipe, candidates, listed, supply, host, trouble);
    let mut missing = Vec::new();
    for candidate in candidates {
        match candidate.held(supply) {
            Ok(Some(blob)) => pinned.extend(candidate.check(recipe, update, &blob, None, trouble)),
            Ok(None) => missing.push(candidate),
            Err(problem) => trouble.push(problem),
        }
    }
    let wanted: Vec<Wanted> = missing.iter().map(|candidate| candidate.wanted(recipe)).collect();
    for (candidate, served) in missing.into_iter().zip(bring_unpinned(&wanted, supply, host)) {
        match checked(listed, served) {
            Ok(served) => {
                pinned.extend(candidate.check(recipe, update, &served.blob, served.from.as_ref(), trouble));
            }
            Err(problem) => trouble.push(problem),
        }
    }
    for artifact in pinned.iter().filter(|artifact| artifact.vouched == Vouched::FirstUse) {
        if artifact_is_new(artifact, previous) {
            let message = format!(
                "nobody vouches for {}: its sha256 is what was served now; give `sha256` or `checksum` in the recipe",
                artifact.file.sources.first().map_or(artifact.file.path.as_str(), Location::as_str)
            );
            host.observer.observe(&Event::Warning { message: &message });
        }
    }
    pinned
}

fn artifact_is_new(artifact: &LockedArtifact, previous: Option<&Lock>) -> bool {
    let (source, platform) = (&artifact.source, &artifact.platform);
    let known = previous
        .and_then(|lock| lock.artifact_of(source, platform).or_else(|| lock.tool_of(source, platform)));
    known.is_none_or(|known| known.file.sha256 != artifact.file.sha256)
}

fn candidates<'recipe>(recipe: &'recipe Recipe, previous: Option<&'recipe Lock>) -> Vec<Candidate<'recipe>> {
    let mut candidates = Vec::new();
    for (name, source) in &recipe.sources {
        let SourceKind::Artifact(artifact) = &source.kind else { continue };
        for platform in resolve::platforms(recipe, source) {
            let known = previous.and_then(|lock| lock.artifact_of(name, platform));
            candidates.push(Candidate::new(name, artifact, platform, known));
        }
    }
    if let Some(tool) = &recipe.upx {
        let name = &tool.name.value;
        for platform in &tool.platforms {
            let known = previous.and_then(|lock| lock.tool_of(name, platform));
            candidates.push(Candidate::new(name, &tool.artifact, platform, known));
        }
    }
    candidates
}

/// Reads the files of sums of those whose digest the recipe does not say.
fn with_sums<'recipe>(
    recipe: &Recipe,
    candidates: Vec<Candidate<'recipe>>,
    listed: &Listed,
    supply: &Supply<'_>,
    host: &Host<'_>,
    trouble: &mut Vec<Trouble>,
) -> Vec<Candidate<'recipe>> {
    let open: Vec<Option<Location>> = candidates
        .iter()
        .map(|one| one.artifact.checksum_shown_for(one.platform).filter(|_| one.wanted.is_none()))
        .collect();
    // One file of sums may speak of several artifacts.
    let locations: Vec<&Location> = open.iter().flatten().collect::<BTreeSet<_>>().into_iter().collect();
    let wanted: Vec<Wanted> =
        locations.iter().map(|location| wanted(recipe, location.to_string(), location, sums::MOST)).collect();
    let mut sums: BTreeMap<&Location, Served> = BTreeMap::new();
    for (location, served) in locations.into_iter().zip(bring_unpinned(&wanted, supply, host)) {
        match checked(listed, served) {
            Ok(served) => drop(sums.insert(location, served)),
            Err(problem) => trouble.push(problem),
        }
    }
    let mut complete = Vec::new();
    for (mut candidate, location) in candidates.into_iter().zip(&open) {
        if let Some(location) = location {
            let file = candidate.path.rsplit('/').next().unwrap_or_default();
            // One that could not be had is in trouble already.
            let Some(served) = sums.get(location) else { continue };
            match read_sum(served, file, location) {
                Ok(sum) => {
                    if let Some(problem) = candidate.contradicts(location.as_str(), sum) {
                        trouble.push(problem);
                        continue;
                    }
                    candidate.wanted = Some((sum, Vouched::Sums(location.clone())));
                }
                Err(problem) => {
                    trouble.push(problem);
                    continue;
                }
            }
        }
        complete.push(candidate);
    }
    complete
}

fn read_sum(served: &Served, file: &str, location: &Location) -> Result<Sum, Trouble> {
    let label = blamed(served.from.as_ref(), location);
    let bytes = bytes(&label, &served.blob.content())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| sums::SumsError::NotText);
    text.and_then(|text| sums::find(text, file)).map_err(|cause| Trouble::Sums { label, cause })
}

impl<'recipe> Candidate<'recipe> {
    fn new(
        source: &'recipe SourceName,
        artifact: &'recipe ArtifactSource,
        platform: &'recipe Platform,
        known: Option<&'recipe LockedArtifact>,
    ) -> Self {
        let location = artifact.shown_for(platform);
        let path = mirror_path(&location);
        let known = known.filter(|known| known.file.path == path);
        let release = released::known(&location);
        let said = artifact.sha256_for(platform).map(|digest| (digest.value, Vouched::Recipe));
        // A file of sums beside the release is asked all the same.
        let has_sums = artifact.checksum_shown_for(platform).is_some();
        let is_known = release.filter(|_| !has_sums).map(|release| (release.sha256, Vouched::Known));
        let wanted = said.or(is_known).map(|(digest, who)| (Sum::Sha256(*digest.as_bytes()), who));
        Self { source, artifact, platform, location, path, known, release, wanted }
    }

    /// The refusal of a digest that `who` says, where everybody knows another.
    fn contradicts(&self, who: &str, got: Sum) -> Option<Trouble> {
        self.release?.refuse(&self.location, who, got)
    }

    /// What the lock has, where it is to be kept.
    fn kept(&self, recipe: &Recipe, update: &Update) -> Option<LockedArtifact> {
        let known = self.known?;
        let is_wanted =
            self.wanted.as_ref().is_none_or(|(sum, _)| *sum == Sum::Sha256(*known.file.sha256.as_bytes()));
        let is_anew = update.reaches(self.source.as_str());
        let lost_vouching =
            matches!(known.vouched, Vouched::Recipe | Vouched::Known) && self.wanted.is_none();
        let sums = self.artifact.checksum_shown_for(self.platform).filter(|_| self.wanted.is_none());
        let new_sums = sums.is_some_and(|sums| known.vouched != Vouched::Sums(sums));
        if !is_wanted || is_anew || lost_vouching || new_sums {
            return None;
        }
        let vouched = self.wanted.as_ref().map_or(&known.vouched, |(_, vouched)| vouched).clone();
        let file = LockedFile { sources: sources(recipe, &self.location, &self.path), ..known.file.clone() };
        Some(LockedArtifact { file, vouched, ..known.clone() })
    }

    /// The bytes, where the store has them under the wanted digest.
    fn held(&self, supply: &Supply<'_>) -> Result<Option<VerifiedBlob>, Trouble> {
        let Some((Sum::Sha256(digest), _)) = &self.wanted else { return Ok(None) };
        let held = supply.store.get(&Digest::from_bytes(*digest), None);
        held.map_err(Trouble::Store)
    }

    fn wanted(&self, recipe: &Recipe) -> Wanted {
        wanted(recipe, format!("{} for {}", self.source, self.platform), &self.location, MOST)
    }

    /// What the lock has, where other bytes of the same address are not to be taken: what was released does not
    /// change, so whoever wants the new bytes says so by the recipe's sha256, or by name.
    fn binding(&self, update: &Update) -> Option<&LockedArtifact> {
        let is_named = matches!(update, Update::Names(names) if names.contains(self.source.as_str()));
        let is_said = matches!(self.wanted, Some((_, Vouched::Recipe)));
        let is_right = |known: &&LockedArtifact| released::contradiction(&self.location, known).is_none();
        self.known.filter(|_| !is_named && !is_said).filter(is_right)
    }

    /// Compares what was served with what it should be.
    fn check(
        &self,
        recipe: &Recipe,
        update: &Update,
        blob: &VerifiedBlob,
        from: Option<&Address>,
        trouble: &mut Vec<Trouble>,
    ) -> Option<LockedArtifact> {
        let label = blamed(from, &self.location);
        if let Some(problem) = self.contradicts(&label, Sum::Sha256(*blob.digest().as_bytes())) {
            trouble.push(problem);
            return None;
        }
        if let Some(known) = self.binding(update).filter(|known| known.file.sha256 != *blob.digest()) {
            trouble.push(Trouble::Replaced { label, wanted: known.file.sha256, got: *blob.digest() });
            return None;
        }
        let vouched = match &self.wanted {
            None => Vouched::FirstUse,
            Some((wanted, vouched)) => {
                let got = match wanted {
                    Sum::Sha256(_) => Ok(Sum::Sha256(*blob.digest().as_bytes())),
                    Sum::Sha512(_) => sha512(blob),
                };
                match got {
                    Ok(got) if got == *wanted => vouched.clone(),
                    Ok(got) => {
                        let who = match vouched {
                            Vouched::Sums(location) => location.to_string(),
                            Vouched::Recipe | Vouched::Known | Vouched::FirstUse => "the recipe".to_owned(),
                        };
                        trouble.push(Trouble::Artifact(Box::new(WrongArtifact {
                            label,
                            who,
                            wanted: *wanted,
                            got,
                        })));
                        return None;
                    }
                    Err(cause) => {
                        trouble.push(Trouble::Read { label, cause });
                        return None;
                    }
                }
            }
        };
        Some(LockedArtifact {
            source: self.source.clone(),
            platform: self.platform.clone(),
            file: locked_file(recipe, &self.location, &self.path, blob),
            vouched,
        })
    }
}

/// The SHA-512 of a blob, a piece at a time.
fn sha512(blob: &VerifiedBlob) -> Result<Sum, ReadError> {
    use sha2::Digest as _;
    let content = blob.content();
    let mut hash = Sha512::new();
    let mut buffer = vec![0; 1 << 16];
    let mut at = 0;
    while at < content.length() {
        let length =
            usize::try_from(content.length() - at).map_or(buffer.len(), |left| left.min(buffer.len()));
        content.read_at(at, &mut buffer[..length])?;
        hash.update(&buffer[..length]);
        at += length as u64;
    }
    Ok(Sum::Sha512(hash.finalize().into()))
}
