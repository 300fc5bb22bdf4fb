import type { Database, Statement, Value } from './driver.ts';

/** Prepares each text once per connection. */
export type Statements = (sql: string) => Statement;

/** The addon cuts a bound string at its first NUL, so that `alice\0x` would be found as `alice`. */
const withoutNul = (value: Value): Value =>
  typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;

const guarded = (statement: Statement): Statement => ({
  run: (...values) => statement.run(...values.map(withoutNul)),
  get: (...values) => statement.get(...values.map(withoutNul)),
  all: (...values) => statement.all(...values.map(withoutNul)),
});

export const createStatements = (database: Database): Statements => {
  const prepared = new Map<string, Statement>();
  return (sql) => {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = guarded(database.prepare(sql));
      prepared.set(sql, statement);
    }
    return statement;
  };
};
