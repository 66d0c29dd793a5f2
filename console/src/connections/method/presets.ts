/** Descriptions that come with attache, by the names that `preset` takes. A test compares them with its files. */
const words = (text: string) => text.trim().split(/\s+/);

/** How senders sign their webhooks. */
export const PRESETS_OF_WEBHOOKS: readonly string[] = words(`
  acuity adyen-payments adyen-platform airtable anthropic asana aws-sns aws-sns-v1 bigcommerce bitbucket box
  braintree cal-com calendly cashfree chargebee circleci clerk clickup coinbase-commerce contentful cursor
  customer-io deepgram discord discord-events docusign dodo dropbox dropbox-sign easypost elevenlabs fal fathom
  figma formstack fusionauth github gitlab gitlab-token gocardless gusto help-scout hubspot-v1 hubspot-v2
  hubspot-v3 hygraph inngest intercom jira kontent-ai lemon-squeezy line linear liveblocks livekit mailerlite
  mailgun mautic mercadopago messagebird messagebird-jwt meta microsoft-graph monday mux netlify notion nylas
  okta onfido onfleet openai paddle-billing paddle-classic pagerduty paypal paystack pipedrive plaid plivo-v2
  plivo-v3 polar portone postmark pusher qstash quickbooks razorpay replicate resend sanity sendgrid sentry
  shopify slack square standard-webhooks strava stripe surveymonkey svix taiga telegram telnyx trello truelayer
  truelayer-sandbox twilio twilio-sharedkey typeform vercel viber vonage webex webflow websub wix woocommerce
  workos x x-hub-sha1 xero zendesk zoom
`);

/** How providers want requests signed. */
export const PRESETS_OF_REQUESTS: readonly string[] = words(`
  akamai-edgegrid azure-app-configuration azure-communication azure-storage binance bitfinex bybit duo hawk
  huawei kraken kucoin lazada okx tencent-tc3 tuya wsse
`);
