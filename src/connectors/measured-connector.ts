import type { Connector } from './connector.ts';

export interface PasswordCheck {
  readonly tenant: string;
  readonly source: string;
  /** `ok`, the reason of the refusal, or `unavailable`. */
  readonly outcome: string;
  readonly seconds: number;
}

/** The same source; each password that it checks is reported. */
export const measuredConnector = (
  connector: Connector,
  tenant: string,
  onChecked: (check: PasswordCheck) => void,
): Connector => {
  const { passwords, definition } = connector;
  if (passwords === undefined) return connector;
  return {
    ...connector,
    passwords: {
      ...passwords,
      verify: async (credentials) => {
        const startedAt = performance.now();
        let outcome = 'unavailable';
        try {
          const verdict = await passwords.verify(credentials);
          outcome = verdict.ok ? 'ok' : verdict.reason;
          return verdict;
        } finally {
          const seconds = (performance.now() - startedAt) / 1000;
          onChecked({ tenant, source: definition.id, outcome, seconds });
        }
      },
    },
  };
};
