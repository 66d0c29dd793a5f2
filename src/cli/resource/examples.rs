//! What `--help` shows of each kind: lines that can be typed as they are.

pub(in crate::cli) const CONNECTOR: &str = "\
Examples:
  attache connector create github --set base_url=https://api.github.com --set auth.token.bearer='{}'
  attache connector create stripe --from stripe
  attache connector import openapi.yaml --create
  attache connector edit github --set description='Issues and more'
  attache connector get github > github.yaml; attache connector apply github -f github.yaml";

pub(in crate::cli) const AUTH_METHOD: &str = "\
Examples:
  attache auth-method apply github key --set api_key.in=header --set api_key.name=X-Key
  attache auth-method revisions github key";

pub(in crate::cli) const CONNECTION: &str = "\
Examples:
  attache connection create github-prod --set connector=github --set auth=token --set credentials.token='${GITHUB_TOKEN}'
  attache connection create github-users --set connector=github --set auth=token --set embedded=true
  attache connection credentials github-prod --set token='${GITHUB_TOKEN}'
  attache connection repin github-prod --dry-run";

pub(in crate::cli) const ACTIVATION: &str = "\
Examples:
  attache activation activate github-users@acme --set credentials.token='${ACME_TOKEN}'
  attache activation list --tenant acme
  attache activation import customers.csv --connection github-users --verify --report report.csv
  attache activation import --from nango --nango-key-file nango.key --map github=github-users
  attache activation export --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p -f customers.age";

pub(in crate::cli) const INTEGRATION: &str = "\
Examples:
  attache integration create ticket-sync --set connectors.issues.connector=github
  attache integration endpoints ticket-sync";

pub(in crate::cli) const ENVIRONMENT: &str = "\
Examples:
  attache environment create production --set integration=ticket-sync --set assign.issues=github-prod --set deployed=true
  attache environment activation production acme";

pub(in crate::cli) const TENANT: &str = "\
Examples:
  attache tenant create acme --set name='Acme Ltd'
  attache tenant list --output json";

pub(in crate::cli) const CALLER: &str = "\
Examples:
  attache caller create runtime --set connections='[\"github-*\"]'
  attache caller rotate runtime --overlap 1h";

pub(in crate::cli) const TOKEN: &str = "\
Examples:
  attache token create ci --role operator
  attache token whoami";

pub(in crate::cli) const SESSION: &str = "\
Examples:
  attache session list
  attache session end 0123456789ab";

pub(in crate::cli) const EVENT_SUBSCRIPTION: &str = "\
Examples:
  attache event-subscription create ops --set url=https://events.example.com/attache --set types='[\"connection.failing\"]'
  attache event-subscription test ops; attache event-subscription deliveries ops
  attache event-subscription rotate ops --overlap 1h";

pub(in crate::cli) const CONNECT_SESSION: &str = "\
Examples:
  attache connect-session create acme --connection crm --return-url https://app.example.com/settings
  attache connect-session list --tenant acme; attache connect-session show cs_0123456789abcdef0123456789abcdef";
