SELECT
  order_date,
  count(*) AS orders,
  count(DISTINCT customer_id) AS customers,
  sum(items) AS items,
  sum(amount) AS revenue
FROM silver_orders
WHERE status <> 'returned'
GROUP BY order_date
