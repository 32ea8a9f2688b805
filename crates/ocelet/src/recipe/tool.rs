//! Reads `[tool.upx]`: a program that the machine which builds needs, released like an artifact.
//!
//! Its platforms are those of machines that build, not those of images: one lock serves colleagues on different ones.
//! It refuses an address that is none for one of them, and digests for others.

use std::collections::BTreeMap;

use ocelet_tree::{Glob, TreePath};

use super::artifact;
use super::fields::Fields;
use super::location::Setting;
use super::model::{ArtifactSource, Install};
use super::names::SourceName;
use super::platform::Platform;
use super::problem::{At, Code, Findings};
use super::template::{PlatformText, Scope, expand_fixed};
use super::values;
use super::variables::Variables;

/// The machines that a tool is for where the recipe does not say it.
const MACHINES: [&str; 2] = ["linux/amd64", "linux/arm64"];
/// Where the tool lies in its tree, which is no image's.
const PLACE: &str = "/upx";

/// A program that the building machine needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tool {
    /// What locks and messages call it.
    pub name: At<SourceName>,
    /// The version that it must say it has.
    pub version: Option<At<String>>,
    /// The machines that it is for.
    pub platforms: Vec<At<Platform>>,
    /// Where it is, and its digests.
    pub(crate) artifact: ArtifactSource,
    member: Option<At<PlatformText>>,
}

impl Tool {
    /// The artifact for one machine, with the one file of it that is wanted.
    pub fn artifact_for(&self, platform: &Platform) -> ArtifactSource {
        let architecture = self.artifact.architectures.get(platform).map(String::as_str);
        // The pattern was read for each of the platforms that the tool is for: for another there is no member.
        let member = self.member.as_ref().and_then(|member| {
            let name = member.value.for_platform_called(platform, architecture);
            Some(At::new(Glob::new(&name).ok()?, member.span))
        });
        ArtifactSource { members: member.into_iter().collect(), ..self.artifact.clone() }
    }

    /// The member of the archive that is the program, as it is written for all machines.
    pub fn member(&self) -> Option<String> {
        self.member.as_ref().map(|member| member.value.to_string())
    }
}

/// Reads `[tool]`.
pub(super) fn read(
    fields: &mut Fields,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Option<Tool> {
    let mut tools = fields.table("tool")?;
    let upx = tools.table("upx").and_then(|fields| one("tool.upx", fields, variables, findings));
    tools.finish();
    upx
}

fn one(
    name: &str,
    mut fields: Fields,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Option<Tool> {
    let span = fields.span;
    let version = fields.text("version").and_then(|text| {
        let version = expand_fixed(&text, Scope::Image, variables, findings)?;
        Some(At::new(version, text.span))
    });
    let platforms = if let Some(texts) = fields.texts("platforms") {
        values::platforms(texts, None, findings)
    } else {
        let known = |name: &str| name.parse().expect("a known platform");
        MACHINES.iter().map(|name| At::new(known(name), span)).collect()
    };
    let mut setting = Setting { platforms: Some(&platforms), variables, findings };
    let architectures = artifact::architectures(&mut fields, &mut setting);
    let has_checksum = fields.key_span("checksum").is_some() || fields.had_problem(&["checksum"]);
    let checksum = artifact::place(fields.text("checksum"), &architectures, &mut setting);
    let location = artifact::place(fields.text("artifact"), &architectures, &mut setting);
    let sha256 =
        artifact::digests(&mut fields, location.as_ref(), &architectures, has_checksum, &mut setting);
    let member = member(&mut fields, &architectures, &mut setting);
    fields.finish();
    let install = Install::File(TreePath::new(PLACE).expect("a plain name is a path"));
    let artifact = ArtifactSource {
        location: location?,
        architectures,
        sha256,
        checksum,
        install: At::new(install, span),
        members: Vec::new(),
        strip: 0,
        mode: Some(0o755),
        uid: 0,
        gid: 0,
        replace: false,
    };
    let name = At::new(SourceName::new(name).expect("a fixed name"), span);
    Some(Tool { name, version, platforms, artifact, member })
}

/// The member of an archive, if it can be one for every platform.
fn member(
    fields: &mut Fields,
    architectures: &BTreeMap<Platform, String>,
    setting: &mut Setting<'_, '_>,
) -> Option<At<PlatformText>> {
    let text = fields.text("member")?;
    let member = setting.place(&text)?;
    for platform in setting.known_platforms() {
        let name = member.for_platform_called(&platform, architectures.get(&platform).map(String::as_str));
        let problem = if name.starts_with('/') {
            Some(format!("the member \"{name}\" is absolute"))
        } else {
            Glob::new(&name).err().map(|error| error.to_string())
        };
        if let Some(problem) = problem {
            setting.findings.error(Code::InvalidPath, text.span, problem);
            return None;
        }
    }
    Some(At::new(member, text.span))
}
