//! Region and service, read from the name of an AWS host.
//!
//! Sources: AWS General Reference, "AWS service endpoints"; Amazon S3 User Guide, "Virtual hosting of general purpose
//! buckets" and "Dual-stack endpoints"; AWS PrivateLink Guide, "Access AWS services through AWS PrivateLink"; the models
//! of AWS's botocore (`endpoints.json`, `endpointPrefix` and `signingName` of each service).

/// What a host's name says. Either may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spoken<'h> {
    pub region: Option<&'h str>,
    /// As signatures name it, which is not always as hosts do.
    pub service: Option<&'h str>,
}

/// What the names of AWS's hosts end in, and the region of what is global there.
const DOMAINS: [(&str, &str); 10] = [
    (".amazonaws.com", "us-east-1"),
    (".api.aws", "us-east-1"),
    (".on.aws", "us-east-1"),
    (".amazonaws.com.cn", "cn-north-1"),
    (".api.amazonwebservices.com.cn", "cn-north-1"),
    (".amazonaws.eu", "eusc-de-east-1"),
    (".api.amazonwebservices.eu", "eusc-de-east-1"),
    (".c2s.ic.gov", "us-iso-east-1"),
    (".sc2s.sgov.gov", "us-isob-east-1"),
    (".csp.hci.ic.gov", "us-isof-south-1"),
];

/// Services that are one for all regions, and whose hosts name none, in each part of AWS.
const GLOBAL: [&str; 5] = ["budgets", "health", "iam", "route53", "savingsplans"];

/// The same, under [`COMMERCIAL`] alone, and where each is. A host without a region that is not here names none.
const IN_ONE_PLACE: [(&str, &str); 8] = [
    ("cloudfront", "us-east-1"),
    ("globalaccelerator", "us-west-2"),
    ("importexport", "us-east-1"),
    // A bucket elsewhere answers with a redirect.
    ("s3", "us-east-1"),
    ("s3-external-1", "us-east-1"),
    ("sdb", "us-east-1"),
    ("sts", "us-east-1"),
    ("waf", "us-east-1"),
];

/// Where those are that are in one place.
const COMMERCIAL: &str = "us-east-1";

/// The region of what is global in China, but for IAM.
const NINGXIA: &str = "cn-northwest-1";

/// Labels that stand for no service where they come right before the region.
const NOT_SERVICES: [&str; 4] = ["dualstack", "fips", "global", "vpce"];

/// Hosts' names of services, where signatures have another. Longer ones first where one ends in another.
const NAMES: [(&str, &str); 49] = [
    ("api.ecr", "ecr"),
    ("api.ecr-public", "ecr-public"),
    ("api.elastic-inference", "elastic-inference"),
    ("api.pricing", "pricing"),
    ("api.sagemaker", "sagemaker"),
    ("api.tunneling.iot", "IoTSecuredTunneling"),
    ("appstream2", "appstream"),
    ("appsync-api", "appsync"),
    ("aps-workspaces", "aps"),
    ("bedrock-agent", "bedrock"),
    ("bedrock-agent-runtime", "bedrock"),
    ("bedrock-data-automation", "bedrock"),
    ("bedrock-data-automation-runtime", "bedrock"),
    ("bedrock-runtime", "bedrock"),
    ("catalog.marketplace", "aws-marketplace"),
    ("contact-lens", "connect"),
    ("data.iot", "iotdata"),
    ("data.jobs.iot", "iot-jobs-data"),
    ("data.mediastore", "mediastore"),
    ("ddb", "dynamodb"),
    ("email", "ses"),
    ("entitlement.marketplace", "aws-marketplace"),
    ("git-codecommit", "codecommit"),
    ("importexport", "IngestionService"),
    ("ingest.timestream", "timestream"),
    ("lambda-url", "lambda"),
    ("metering.marketplace", "aws-marketplace"),
    ("models-v2-lex", "lex"),
    ("models.lex", "lex"),
    ("mturk-requester", "mturk-requester"),
    ("neptune", "neptune-db"),
    ("oidc", "sso-oauth"),
    ("personalize-events", "personalize"),
    ("personalize-runtime", "personalize"),
    ("pinpoint", "mobiletargeting"),
    ("portal.sso", "awsssoportal"),
    ("query.timestream", "timestream"),
    ("queue", "sqs"),
    ("runtime-v2-lex", "lex"),
    ("runtime.lex", "lex"),
    ("runtime.sagemaker", "sagemaker"),
    ("s3-accelerate", "s3"),
    ("s3-accesspoint", "s3"),
    ("s3-control", "s3"),
    ("s3-external-1", "s3"),
    ("s3-global", "s3"),
    ("session.qldb", "qldb"),
    ("streams.dynamodb", "dynamodb"),
    ("transcribestreaming", "transcribe"),
];

/// `host`: in lower case, without a port.
pub(super) fn spoken(host: &str) -> Spoken<'_> {
    let Some((name, global)) = DOMAINS.iter().find_map(|(domain, global)| {
        host.strip_suffix(domain).filter(|it| !it.is_empty()).map(|it| (it, *global))
    }) else {
        return Spoken::default();
    };
    // `vpce-1a2b.sqs.us-east-1.vpce`: the last label says only that it is private.
    let name = name.strip_suffix(".vpce").unwrap_or(name);
    let Some((before, region, after)) = around_region(name) else {
        return regionless(name, global);
    };
    // `domain.us-east-1.es`, `us-east-2.queue`: the service is behind the region.
    let service = if after.is_empty() { service_at_end(before) } else { service_at_end(after) };
    Spoken { region: Some(region), service }
}

/// `bucket.s3`, `s3-us-west-2`, `iam`, `iam.us-gov`: no label of its own is a region.
fn regionless<'h>(name: &'h str, global: &'static str) -> Spoken<'h> {
    // Older hosts of S3: the region is part of the service's label.
    if let Some(region) = last_label(name).strip_prefix("s3-").filter(|it| is_region(it)) {
        return Spoken { region: Some(region), service: Some("s3") };
    }
    let (name, global) = match name.strip_suffix(".us-gov") {
        Some(name) => (name, "us-gov-west-1"),
        None => (name, global),
    };
    let host_s = last_label(plain(name));
    let in_one_place = IN_ONE_PLACE.iter().find(|it| global == COMMERCIAL && it.0 == host_s);
    let region = match in_one_place {
        Some((_, region)) => Some(*region),
        None if !GLOBAL.contains(&host_s) => None,
        None if global == "cn-north-1" && host_s != "iam" => Some(NINGXIA),
        None => Some(global),
    };
    // A region that is missing is not guessed: the settings say it, or the request is refused in words.
    Spoken { region, service: service_at_end(name) }
}

/// The last label that is a region, with what is before and behind it.
fn around_region(name: &str) -> Option<(&str, &str, &str)> {
    let mut end = name.len();
    loop {
        let start = name[..end].rfind('.').map_or(0, |it| it + 1);
        let label = &name[start..end];
        if is_region(label) {
            let before = name[..start].trim_end_matches('.');
            let after = name[end..].trim_start_matches('.');
            // Bucket names may look like a region.
            let service = last_label(plain(after));
            let is_bucket = service == "s3" || service.starts_with("s3-");
            return (!is_bucket).then_some((before, label, after));
        }
        end = start.checked_sub(1)?;
    }
}

/// `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`: letters, words, a digit or two.
fn is_region(label: &str) -> bool {
    let mut words = label.split('-').rev();
    let number = words.next().unwrap_or_default();
    let is_number = matches!(number.len(), 1 | 2) && number.bytes().all(|it| it.is_ascii_digit());
    let count = label.split('-').count();
    let first = label.split('-').next().unwrap_or_default();
    is_number
        && (3..=5).contains(&count)
        && (2..=4).contains(&first.len())
        && words.all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase()))
}

/// The service that the labels end in, under the name that signatures have for it.
fn service_at_end(labels: &str) -> Option<&str> {
    let plain = plain(labels);
    let known = NAMES.iter().find(|it| plain == it.0 || strip_label(plain, it.0).is_some());
    // An endpoint of one's own for devices: `a1b2-ats.iot`.
    let is_device = last_label(plain) == "iot" && plain.contains(".iot");
    let name = match known {
        Some((_, name)) => name,
        None if is_device => "iotdata",
        // `s3express-use1-az4`: a zone of its own.
        None if last_label(plain).starts_with("s3express-") => "s3express",
        None => last_label(plain).strip_prefix("fips-").unwrap_or(last_label(plain)),
    };
    (!name.is_empty()).then_some(name)
}

/// Without the labels at the end that stand for no service.
fn plain(labels: &str) -> &str {
    let mut labels = labels;
    while let Some(rest) = NOT_SERVICES.iter().find_map(|it| strip_label(labels, it)) {
        labels = rest;
    }
    labels.strip_suffix("-fips").unwrap_or(labels)
}

fn last_label(labels: &str) -> &str {
    labels.rsplit('.').next().unwrap_or_default()
}

/// The labels before `label`, where they end in it.
fn strip_label<'h>(labels: &'h str, label: &str) -> Option<&'h str> {
    labels.strip_suffix(label)?.strip_suffix('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_aws_say_region_and_service() {
        for (host, region, service) in [
            ("dynamodb.eu-west-1.amazonaws.com", "eu-west-1", "dynamodb"),
            ("sts.us-gov-west-1.amazonaws.com", "us-gov-west-1", "sts"),
            ("ec2.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "ec2"),
            ("sqs.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "sqs"),
            ("lambda.us-west-2.api.aws", "us-west-2", "lambda"),
            ("ec2.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1", "ec2"),
            ("dynamodb-fips.us-east-1.amazonaws.com", "us-east-1", "dynamodb"),
            ("fips.batch.us-east-1.amazonaws.com", "us-east-1", "batch"),
            // Services that are in one place.
            ("iam.amazonaws.com", "us-east-1", "iam"),
            ("sts.amazonaws.com", "us-east-1", "sts"),
            ("cloudfront.amazonaws.com", "us-east-1", "cloudfront"),
            ("iam.us-gov.amazonaws.com", "us-gov-west-1", "iam"),
            ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1", "iam"),
            ("globalaccelerator.amazonaws.com", "us-west-2", "globalaccelerator"),
            ("iam-fips.amazonaws.com", "us-east-1", "iam"),
            ("iam.global.api.aws", "us-east-1", "iam"),
            ("global.health.amazonaws.com", "us-east-1", "health"),
            ("importexport.amazonaws.com", "us-east-1", "IngestionService"),
            ("route53.amazonaws.com", "us-east-1", "route53"),
            ("route53.amazonaws.com.cn", "cn-northwest-1", "route53"),
            ("iam.global.api.amazonwebservices.com.cn", "cn-north-1", "iam"),
            ("route53.amazonaws.eu", "eusc-de-east-1", "route53"),
            ("route53.us-gov.amazonaws.com", "us-gov-west-1", "route53"),
            ("budgets.global.sc2s.sgov.gov", "us-isob-east-1", "budgets"),
            // S3, in each spelling.
            ("s3.amazonaws.com", "us-east-1", "s3"),
            ("examplebucket.s3.amazonaws.com", "us-east-1", "s3"),
            ("s3.eu-west-1.amazonaws.com", "eu-west-1", "s3"),
            ("my.dotted.bucket.s3.eu-west-1.amazonaws.com", "eu-west-1", "s3"),
            ("s3-eu-west-1.amazonaws.com", "eu-west-1", "s3"),
            ("bucket.s3-us-west-2.amazonaws.com", "us-west-2", "s3"),
            ("eu-west-1.s3.amazonaws.com", "us-east-1", "s3"),
            ("us-west-2.s3.eu-west-1.amazonaws.com", "eu-west-1", "s3"),
            ("bucket.s3.dualstack.eu-west-1.amazonaws.com", "eu-west-1", "s3"),
            ("bucket.s3-fips.dualstack.us-east-2.amazonaws.com", "us-east-2", "s3"),
            ("s3-fips.us-east-2.amazonaws.com", "us-east-2", "s3"),
            ("bucket.s3.cn-north-1.amazonaws.com.cn", "cn-north-1", "s3"),
            ("point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", "eu-west-1", "s3"),
            ("123456789012.s3-control.us-west-2.amazonaws.com", "us-west-2", "s3"),
            ("p-1.o-2.s3-outposts.us-west-2.amazonaws.com", "us-west-2", "s3-outposts"),
            ("p-1.s3-object-lambda.us-west-2.amazonaws.com", "us-west-2", "s3-object-lambda"),
            ("s3-external-1.amazonaws.com", "us-east-1", "s3"),
            ("bucket.s3-external-1.amazonaws.com", "us-east-1", "s3"),
            (
                "b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com",
                "us-east-1",
                "s3express",
            ),
            (
                "b--use1-az4--x-s3.s3express-fips-use1-az4.dualstack.us-east-1.amazonaws.com",
                "us-east-1",
                "s3express",
            ),
            ("s3express-control.us-west-2.amazonaws.com", "us-west-2", "s3express"),
            // Endpoints within a network of one's own.
            ("vpce-1a2b3c4d-5e6f.sqs.us-east-1.vpce.amazonaws.com", "us-east-1", "sqs"),
            ("vpce-1a2b-5e6f-us-east-1a.s3.us-east-1.vpce.amazonaws.com", "us-east-1", "s3"),
            ("bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com", "us-east-1", "s3"),
            // Names that signatures spell otherwise.
            ("bedrock-runtime.eu-central-1.amazonaws.com", "eu-central-1", "bedrock"),
            ("bedrock-runtime-fips.us-east-1.amazonaws.com", "us-east-1", "bedrock"),
            ("email.eu-west-1.amazonaws.com", "eu-west-1", "ses"),
            ("api.ecr.eu-west-1.amazonaws.com", "eu-west-1", "ecr"),
            ("runtime.sagemaker.us-east-1.amazonaws.com", "us-east-1", "sagemaker"),
            ("streams.dynamodb.us-east-1.amazonaws.com", "us-east-1", "dynamodb"),
            ("123456789012.ddb.us-east-1.amazonaws.com", "us-east-1", "dynamodb"),
            ("a1b2c3-ats.iot.eu-west-1.amazonaws.com", "eu-west-1", "iotdata"),
            ("abc123.execute-api.eu-west-1.amazonaws.com", "eu-west-1", "execute-api"),
            ("xyz.lambda-url.eu-west-1.on.aws", "eu-west-1", "lambda"),
            ("abc.appsync-api.eu-west-1.amazonaws.com", "eu-west-1", "appsync"),
            ("aps-workspaces.eu-west-1.amazonaws.com", "eu-west-1", "aps"),
            ("pinpoint.eu-west-1.amazonaws.com", "eu-west-1", "mobiletargeting"),
            ("pinpoint-fips.us-east-1.amazonaws.com", "us-east-1", "mobiletargeting"),
            // The service behind the region.
            ("search-films-abc.eu-west-1.es.amazonaws.com", "eu-west-1", "es"),
            ("abc.us-east-1.aoss.amazonaws.com", "us-east-1", "aoss"),
            ("db-1.cluster-abc.us-east-1.neptune.amazonaws.com", "us-east-1", "neptune-db"),
            ("eu-west-1.queue.amazonaws.com", "eu-west-1", "sqs"),
        ] {
            let spoken = spoken(host);
            assert_eq!((spoken.region, spoken.service), (Some(region), Some(service)), "{host}");
        }
    }

    /// Where they are is not guessed: a signature for another region is refused with words that help nobody.
    #[test]
    fn hosts_without_a_region_say_the_service_alone() {
        for (host, service) in [
            ("sqs.amazonaws.com", "sqs"),
            ("xyz.lambda-url.on.aws", "lambda"),
            ("bucket.s3-accelerate.amazonaws.com", "s3"),
            ("bucket.s3-accelerate.dualstack.amazonaws.com", "s3"),
            ("eu-west-1.s3-accelerate.amazonaws.com", "s3"),
            ("mfzwi23gnjvgw.accesspoint.s3-global.amazonaws.com", "s3"),
            ("dynamodb.us-gov.amazonaws.com", "dynamodb"),
            ("sts.amazonaws.com.cn", "sts"),
        ] {
            let expected = Spoken { region: None, service: Some(service) };
            assert_eq!(spoken(host), expected, "{host}");
        }
    }

    #[test]
    fn other_hosts_say_nothing() {
        for host in [
            "localhost",
            "minio.example.com",
            "s3.eu-west-1.example.com",
            "amazonaws.com",
            ".amazonaws.com",
            "notamazonaws.com",
            "127.0.0.1",
        ] {
            assert_eq!(spoken(host), Spoken::default(), "{host}");
        }
    }
}
