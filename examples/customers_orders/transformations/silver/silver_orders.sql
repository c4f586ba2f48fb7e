-- The same order may come in several files: the newest row counts.
WITH ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY order_id ORDER BY ordered_at DESC, status, amount) AS place
  FROM bronze_orders
)
SELECT
  order_id,
  customer_id,
  ordered_at,
  to_date(ordered_at) AS order_date,
  lower(status) AS status,
  try_cast(amount AS DECIMAL(12, 2)) AS amount,
  items
FROM ranked
WHERE place = 1
