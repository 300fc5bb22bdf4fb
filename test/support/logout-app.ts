import { openReceiver, type Receiver } from './receiver.ts';

/** An app that gets logout tokens (OpenID Connect Back-Channel Logout 1.0). */
export interface LogoutApp extends Omit<Receiver, 'port'> {
  readonly uri: string;
  /** The logout tokens that came in, in order. */
  readonly tokens: readonly string[];
  /** `performance.now()` of each. */
  readonly cameAt: readonly number[];
}

export const openLogoutApp = async (): Promise<LogoutApp> => {
  const tokens: string[] = [];
  const cameAt: number[] = [];
  const { port, ...receiver } = await openReceiver({
    ...{ answers: 200, redirectsTo: '/elsewhere' },
    took: (_req, body) => {
      cameAt.push(performance.now());
      tokens.push(new URLSearchParams(body).get('logout_token') ?? '');
    },
  });
  return { uri: `http://127.0.0.1:${port}/logout`, tokens, cameAt, ...receiver };
};
