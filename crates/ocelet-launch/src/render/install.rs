//! What runs once on the host itself: kubeadm as a command, and the network plugins as files.

use crate::plan::{Image, Plan};

use super::shell::{command, word};
use super::{FromImage, Launch, LaunchFile, script};

/// Where network plugins are, in images and on hosts.
const PLUGINS: &str = "/opt/cni/bin/";

/// The plugins as files of a directory that is copied to the host.
pub(super) fn plugins(image: &Image) -> Launch {
    let paths: Vec<&String> = image.paths.iter().filter(|path| path.starts_with(PLUGINS)).collect();
    let printed = paths.iter().map(|path| format!("{path}\n")).collect();
    let files = paths.iter().map(|path| ((*path).clone(), path.trim_start_matches('/').to_owned())).collect();
    Launch {
        printed,
        files: Vec::new(),
        from_image: FromImage::Files(files),
        bring: Vec::new(),
        next: vec!["cp -a DIR/. /".to_owned()],
    }
}

/// kubeadm that is installed on the host.
pub(super) fn kubeadm(plan: &Plan) -> Launch {
    let mut text = script::head(plan, "the programs of the host");
    text.push('\n');
    let mut words = vec![plan.program.clone()];
    words.extend(plan.arguments.iter().map(|argument| word(argument)));
    text.push_str("exec ");
    text.push_str(&command(&words));
    text.push('\n');
    let path = format!("usr/local/bin/{}-once", plan.name);
    Launch {
        printed: text.clone(),
        files: vec![LaunchFile { path, text, is_program: true }],
        from_image: FromImage::Nothing,
        bring: Vec::new(),
        next: Vec::new(),
    }
}
