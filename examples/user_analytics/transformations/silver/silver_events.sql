SELECT
  events.event_id,
  events.user_id,
  lower(events.type) AS type,
  events.at,
  to_date(events.at) AS event_date,
  events.duration_ms,
  profiles.country,
  profiles.plan
FROM bronze_events AS events
LEFT JOIN silver_user_profiles AS profiles ON profiles.user_id = events.user_id
