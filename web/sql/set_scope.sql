-- Purpose: give this transaction, and no later one, the sight of one account; times are in UTC.
SELECT set_config('gridbeat.scope', %(scope)s, true),
       set_config('gridbeat.areas', %(areas)s, true),
       set_config('gridbeat.roots', %(roots)s, true),
       set_config('statement_timeout', %(timeout)s, true),
       set_config('TimeZone', 'UTC', true)
