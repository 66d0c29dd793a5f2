-- The connections' own and test credentials, which each start reads, among those of a million tenants.
CREATE INDEX credentials_shared ON credentials (owner) WHERE tenant = '';
