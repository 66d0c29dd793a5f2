//! The demo's own credentials, which open nothing else. `config/examples/demo.yaml` has the same ones.

pub const CALLER_KEY: &str = "demo-caller-key-0001";
pub const SHOP_KEY: &str = "demo-shop-key";
pub const ACME_KEY: &str = "demo-acme-key";
pub const GLOBEX_KEY: &str = "demo-globex-key";
pub const WAREHOUSE_USER: &str = "robot";
pub const WAREHOUSE_PASSWORD: &str = "demo-warehouse-password";
pub const WEATHER_KEY: &str = "demo-weather-key";
pub const WEBHOOK_SECRET: &str = "demo-webhook-secret";

/// What operators prove themselves with.
pub const ADMIN_TOKEN: &str = "demo-admin-token";

/// The sample shop's own description, to make a connector of.
pub const OPENAPI: &str = include_str!("orders.openapi.json");

/// What attache is run with.
pub const CONFIG: &str = include_str!("../../config/examples/demo.yaml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_has_the_same_ones() {
        for credential in [
            CALLER_KEY,
            SHOP_KEY,
            ACME_KEY,
            GLOBEX_KEY,
            WAREHOUSE_USER,
            WAREHOUSE_PASSWORD,
            WEATHER_KEY,
            WEBHOOK_SECRET,
            ADMIN_TOKEN,
        ] {
            assert!(CONFIG.contains(&format!(": {credential}")), "{credential}");
        }
        assert!(OPENAPI.contains(SHOP_KEY));
    }
}
