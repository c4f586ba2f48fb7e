-- An event that was sent twice counts once.
WITH once AS (
  SELECT DISTINCT event_id, user_id, type, event_date, duration_ms
  FROM silver_events
)
SELECT
  profiles.user_id,
  profiles.country,
  profiles.plan,
  count(once.event_id) AS events,
  count(DISTINCT once.event_date) AS active_days,
  coalesce(sum(once.duration_ms), 0) AS duration_ms,
  count_if(once.type = 'purchase') AS purchases,
  min(once.event_date) AS first_seen,
  max(once.event_date) AS last_seen
FROM silver_user_profiles AS profiles
LEFT JOIN once ON once.user_id = profiles.user_id
GROUP BY profiles.user_id, profiles.country, profiles.plan
