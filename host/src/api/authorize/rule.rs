//! The host's own rule: what holds where no authorizer is configured, who is let through whatever they say.

use std::collections::{BTreeMap, HashSet};

use super::places::Places;
use super::replay::Replays;
use super::shadow::{Difference, Shadows};
use crate::catalog::action::Kind;
use crate::config::{Anonymous, Config, Verdict};
use crate::plugin::chain::Outcome;

/// What authorization remembers between requests.
pub struct Authorization {
    rule: HostRule,
    administrators: HashSet<String>,
    pub(in crate::api) places: Places,
    pub(in crate::api) shadows: Shadows,
    pub(in crate::api) replays: Replays,
}

/// Who decides while no authorizer is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostRule {
    AllowAll,
    DenyAll,
    /// Authentication is on: those whom the configuration names, nobody else.
    Administrators,
}

impl HostRule {
    /// What the configuration says, else allow while anybody may call, else administrators alone. For the last one the
    /// bundled plugin `cedar` stands in, where the program has it.
    pub fn of(config: &Config) -> Self {
        match (config.authorization.default, config.auth.anonymous()) {
            (Some(Verdict::Allow), _) | (None, Anonymous::Loopback | Anonymous::Anywhere) => Self::AllowAll,
            (Some(Verdict::Deny), _) => Self::DenyAll,
            (Some(Verdict::Administrators), _) | (None, Anonymous::Never) => Self::Administrators,
        }
    }

    /// Its name in the server's description, and as the rule of its decisions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllowAll => "allow-all",
            Self::DenyAll => "deny-all",
            Self::Administrators => "administrators",
        }
    }
}

/// A decision that the host makes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ruled {
    pub allowed: bool,
    pub rule: &'static str,
}

impl Ruled {
    pub const fn outcome(self) -> Outcome {
        if self.allowed { Outcome::Allow } else { Outcome::Deny }
    }
}

impl Authorization {
    pub fn new(config: &Config) -> Self {
        Self {
            rule: HostRule::of(config),
            administrators: config.authorization.administrators.iter().cloned().collect(),
            places: Places::new(),
            shadows: Shadows::new(),
            replays: Replays::new(config.authorization.replay_one_in),
        }
    }

    pub const fn rule(&self) -> HostRule {
        self.rule
    }

    /// Whether the configuration names somebody an administrator.
    pub fn is_administrator(&self, caller: &str) -> bool {
        self.administrators.contains(caller)
    }

    /// The latest decisions that a shadow would have changed, newest last.
    pub fn shadow_differences(&self) -> Vec<Difference> {
        self.shadows.differences()
    }

    /// How many decisions each shadow would have changed so far.
    pub fn shadow_counts(&self) -> BTreeMap<String, u64> {
        self.shadows.counts()
    }

    /// How many decisions that were asked for once more came out the same, how many otherwise.
    pub fn replays(&self) -> (u64, u64) {
        self.replays.found()
    }

    /// What the host decides by itself; `None` where the authorizers are to be asked.
    ///
    /// An administrator passes on the server whatever the authorizers say, so that a broken policy can be repaired.
    pub(super) fn ruled(&self, caller: &str, kind: Kind, authorizers_decide: bool) -> Option<Ruled> {
        let administrator = Ruled { allowed: true, rule: HostRule::Administrators.name() };
        if kind == Kind::Server && self.is_administrator(caller) {
            return Some(administrator);
        }
        if authorizers_decide {
            return None;
        }
        Some(match self.rule {
            HostRule::AllowAll => Ruled { allowed: true, rule: self.rule.name() },
            HostRule::Administrators if self.is_administrator(caller) => administrator,
            HostRule::DenyAll | HostRule::Administrators => Ruled { allowed: false, rule: self.rule.name() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Authorization as Section;

    fn authorization(default: Option<Verdict>, anonymous: Anonymous, administrators: &[&str]) -> Authorization {
        let mut config = Config::default();
        config.auth.anonymous = Some(anonymous);
        config.authorization = Section {
            default,
            administrators: administrators.iter().map(|&name| name.to_owned()).collect(),
            ..Section::default()
        };
        Authorization::new(&config)
    }

    fn allowed(authorization: &Authorization, kind: Kind, authorizers_decide: bool) -> Option<bool> {
        authorization.ruled("anonymous", kind, authorizers_decide).map(|ruled| ruled.allowed)
    }

    #[test]
    fn without_authorizers_the_default_holds() {
        let open = authorization(None, Anonymous::Loopback, &[]);
        let denied = authorization(Some(Verdict::Deny), Anonymous::Loopback, &[]);
        let closed = authorization(None, Anonymous::Never, &[]);

        assert_eq!(allowed(&open, Kind::Table, false), Some(true));
        assert_eq!(allowed(&denied, Kind::Table, false), Some(false));
        assert_eq!(allowed(&closed, Kind::Table, false), Some(false));
    }

    #[test]
    fn with_authentication_and_no_authorizer_administrators_alone_pass() {
        let closed = authorization(None, Anonymous::Never, &["anonymous"]);

        assert_eq!(allowed(&closed, Kind::Table, false), Some(true));

        let told = authorization(Some(Verdict::Administrators), Anonymous::Loopback, &[]);
        assert_eq!(allowed(&told, Kind::Table, false), Some(false));
    }

    #[test]
    fn administrators_pass_on_the_server_whatever_authorizers_say_and_nowhere_else() {
        let governed = authorization(None, Anonymous::Loopback, &["anonymous"]);

        assert_eq!(allowed(&governed, Kind::Server, true), Some(true));
        for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Server) {
            assert_eq!(allowed(&governed, *kind, true), None);
        }
    }
}
