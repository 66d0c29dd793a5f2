//! Where a method's messages go: what is to be confirmed, refused or declared of it.
use super::problem::PathSegment;
use super::token_method::TokenMethod;
use super::token_method::Way;
use crate::grant::Endpoint;
use crate::grant::Step;
use crate::model::Origin;
use crate::model::address;
use ipnet::IpNet;
use std::net::IpAddr;

/// A literal address that the egress guard refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedAddress {
    /// Where it is written, below the method.
    pub path: Vec<PathSegment>,
    pub address: IpAddr,
}

impl TokenMethod {
    /// The origins that what it proves itself with goes to.
    pub(super) fn origins<'v>(&self, find: impl Fn(&str) -> Option<&'v str>) -> Vec<String> {
        self.endpoints().iter().map(|it| it.origin(&find)).collect()
    }

    /// The literal addresses that messages would go to, and that these networks do not open. `find` has the
    /// values of variables.
    pub fn refused_addresses<'v>(
        &self,
        allow: &[IpNet],
        find: impl Fn(&str) -> Option<&'v str>,
    ) -> Vec<RefusedAddress> {
        let endpoints = self.endpoints().into_iter();
        let refused = endpoints.filter_map(|it| {
            let origin = Origin::parse(&it.origin(&find)).ok()?;
            let address = origin.bare_host().parse().ok()?;
            if address::is_allowed(address, allow) {
                return None;
            }
            let front = PathSegment::Key(self.type_name().to_owned());
            let path = std::iter::once(front).chain(segments(&it.setting)).collect();
            Some(RefusedAddress { path, address })
        });
        refused.collect()
    }

    /// The names by which whoever fills them in says whose host something is sent to: each once, with the
    /// setting that it stands in.
    pub(super) fn whose_hosts(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        for endpoint in self.endpoints() {
            for name in endpoint.whose_host() {
                if !found.iter().any(|it| it.0 == name) {
                    found.push((name.to_owned(), dotted(&endpoint.setting)));
                }
            }
        }
        found
    }

    fn endpoints(&self) -> Vec<Endpoint<'_>> {
        match &self.way {
            Way::Oauth2(method) => method.endpoints(),
            Way::Session(login) => login.endpoints(),
            Way::Oauth1(grant) => grant.endpoints(),
            Way::Role(role) => role.asked.endpoints(),
        }
    }
}

/// A place in a grant's settings as one in definitions.
pub(super) fn segments(steps: &[Step]) -> impl Iterator<Item = PathSegment> {
    steps.iter().map(|step| match step {
        Step::Field(name) => PathSegment::Key(name.clone().into_owned()),
        Step::Index(index) => PathSegment::Index(*index),
    })
}

/// `refresh.url`, `steps[0].url`.
fn dotted(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Field(name) if text.is_empty() => text.push_str(name),
            Step::Field(name) => text.extend([".", name]),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}
