-- Until when the secret before the present one signs as well; none where there is none.
ALTER TABLE event_subscriptions ADD COLUMN previous_until {integer};
-- How often in a row its receiver took a delivery amiss, rather than being away.
ALTER TABLE deliveries ADD COLUMN refused {integer} NOT NULL DEFAULT 0;
