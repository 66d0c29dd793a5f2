//! Which exchanges somebody wants to see.
use crate::telemetry::ErrorSource;
use crate::telemetry::Exchange;

/// What has to be so of an exchange; what is none may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub connection: Option<String>,
    pub tenant: Option<String>,
    pub caller: Option<String>,
    pub connector: Option<String>,
    pub environment: Option<String>,
    /// In any case of letters.
    pub method: Option<String>,
    /// Whose fault it was.
    pub source: Option<ErrorSource>,
    pub status: Option<StatusFilter>,
    /// A part of the path.
    pub path: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// `4` of `4xx`.
    Class(u16),
    Exactly(u16),
}

impl StatusFilter {
    /// `4xx` or `404`. None for anything else.
    pub fn of(text: &str) -> Option<Self> {
        let (first, rest) = text.split_at_checked(1)?;
        let class = first.parse().ok().filter(|it| (1..=5).contains(it))?;
        if rest == "xx" {
            return Some(Self::Class(class));
        }
        let is_number = text.len() == 3 && text.bytes().all(|it| it.is_ascii_digit());
        text.parse().ok().filter(|_| is_number).map(Self::Exactly)
    }

    fn has(self, status: u16) -> bool {
        match self {
            Self::Class(class) => status / 100 == class,
            Self::Exactly(one) => status == one,
        }
    }
}

impl Filter {
    pub fn has(&self, exchange: &Exchange, path: &str) -> bool {
        let is = |wanted: &Option<String>, there: Option<&str>| {
            wanted.as_deref().is_none_or(|it| there == Some(it))
        };
        self.status.is_none_or(|it| it.has(exchange.status))
            && self.source.is_none_or(|it| exchange.source == Some(it))
            && is(&self.connection, exchange.connection.as_ref().map(|it| it.as_str()))
            && is(&self.tenant, exchange.tenant.as_ref().map(|it| it.as_str()))
            && is(&self.caller, exchange.caller.as_ref().map(|it| it.as_str()))
            && is(&self.connector, exchange.connector.as_ref().map(|it| it.as_str()))
            && is(&self.environment, exchange.environment.as_ref().map(|it| it.as_str()))
            && self
                .method
                .as_deref()
                .is_none_or(|it| exchange.method.as_str().eq_ignore_ascii_case(it))
            && self.path.as_deref().is_none_or(|it| path.contains(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Key;
    use crate::model::TenantId;
    use http::Method;

    #[test]
    fn a_status_is_a_class_or_a_number() {
        assert_eq!(StatusFilter::of("4xx"), Some(StatusFilter::Class(4)));
        assert_eq!(StatusFilter::of("404"), Some(StatusFilter::Exactly(404)));
        for bad in ["", "4", "4x", "xx", "6xx", "0xx", "4XX", "40", "4040", "+40", "4é", "999"] {
            assert_eq!(StatusFilter::of(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_part_of_a_filter_has_to_fit() {
        let key = |it: &str| Some(Key::try_from(it).unwrap());
        let exchange = Exchange {
            connection: key("github-prod"),
            tenant: Some(TenantId::try_from("acme").unwrap()),
            caller: key("runtime"),
            connector: key("github"),
            environment: key("production"),
            method: Method::POST,
            status: 404,
            source: Some(ErrorSource::Upstream),
            ..Exchange::default()
        };
        let text = |it: &str| Some(it.to_owned());
        let all = Filter {
            connection: text("github-prod"),
            tenant: text("acme"),
            caller: text("runtime"),
            connector: text("github"),
            environment: text("production"),
            method: text("post"),
            source: Some(ErrorSource::Upstream),
            status: StatusFilter::of("4xx"),
            path: text("os/it"),
        };
        assert!(all.has(&exchange, "/repos/it"));
        assert!(Filter::default().has(&exchange, "/"));
        let other = || text("other");
        for wrong in [
            Filter { connection: other(), ..all.clone() },
            Filter { tenant: other(), ..all.clone() },
            Filter { caller: other(), ..all.clone() },
            Filter { connector: other(), ..all.clone() },
            Filter { environment: other(), ..all.clone() },
            Filter { method: text("GET"), ..all.clone() },
            Filter { source: Some(ErrorSource::Caller), ..all.clone() },
            Filter { status: StatusFilter::of("5xx"), ..all.clone() },
            Filter { status: StatusFilter::of("403"), ..all.clone() },
            Filter { path: other(), ..all.clone() },
        ] {
            assert!(!wrong.has(&exchange, "/repos/it"), "{wrong:?}");
        }
    }
}
