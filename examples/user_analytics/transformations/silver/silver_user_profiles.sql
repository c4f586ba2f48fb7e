SELECT user_id, upper(country) AS country, plan, updated_at
FROM bronze_user_profiles
QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY updated_at DESC, country, plan) = 1
