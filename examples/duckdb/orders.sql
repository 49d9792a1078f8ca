-- Reads and writes tables of the catalog by SQL alone: duckdb < orders.sql
INSTALL iceberg;
LOAD iceberg;
ATTACH 'default' AS weir (
    TYPE iceberg,
    ENDPOINT 'http://127.0.0.1:8181/catalog',
    AUTHORIZATION_TYPE 'none',
    ACCESS_DELEGATION_MODE 'none'
);

CREATE SCHEMA weir.duck;
CREATE TABLE weir.duck.orders AS
    SELECT range AS id, range * 1.5 AS amount, 'DE' AS country FROM range(1000);
INSERT INTO weir.duck.orders VALUES (1000, 42.0, 'FR');
UPDATE weir.duck.orders SET amount = 0 WHERE country = 'FR';
DELETE FROM weir.duck.orders WHERE id < 10;

SELECT country, count(*) AS orders, sum(amount) AS amount FROM weir.duck.orders GROUP BY country ORDER BY country;
