WITH ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY user_id ORDER BY updated_at DESC, country, plan) AS place
  FROM bronze_user_profiles
)
SELECT user_id, upper(country) AS country, plan, updated_at
FROM ranked
WHERE place = 1
