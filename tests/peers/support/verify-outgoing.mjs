// Verifies what a receiver was sent with the official Standard Webhooks library: the secrets and the requests of a file.
// Says how many requests each secret verifies, and how many it still does with a byte of the body changed.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { secrets, requests } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const verified = (webhook, body, headers) => {
  try {
    webhook.verify(body, headers);
    return true;
  } catch {
    return false;
  }
};
const counts = secrets.map((secret) => {
  const webhook = new Webhook(secret);
  const good = requests.filter(({ body, headers }) => verified(webhook, body, headers)).length;
  const forged = requests.filter(({ body, headers }) => verified(webhook, `${body} `, headers)).length;
  return { good, forged };
});
process.stdout.write(JSON.stringify(counts));
