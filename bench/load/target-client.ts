import { Agent } from 'node:http';
import { type Exchange, exchange } from '../demo/http-exchange.ts';

/** What the load generator knows of one target: where its endpoints are, and connections that are kept open. */
export interface TargetClient {
  readonly origin: string;
  readonly issuer: string;
  readonly agent: Agent;
  /** Endpoint by its name in the discovery document. */
  endpoint(name: string): URL;
  /** Throws unless the status is 200. */
  get(url: URL, headers?: Readonly<Record<string, string>>): Promise<Exchange>;
  /** Sends a form, with `client` authenticated by its secret. Throws unless the answer is a 200. */
  post(
    url: URL,
    form: Readonly<Record<string, string>>,
    client?: { readonly client_id: string; readonly client_secret: string },
  ): Promise<Readonly<Record<string, unknown>>>;
  close(): void;
}

/** @param issuer whose discovery document names the endpoints */
export const openTargetClient = async (issuer: string): Promise<TargetClient> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const get: TargetClient['get'] = async (url, headers = {}) =>
    expectOk(url, await exchange(url, { agent, headers }));
  const discoveryUrl = new URL(`${issuer}/.well-known/openid-configuration`);
  const discovered = JSON.parse((await get(discoveryUrl)).text) as Record<string, unknown>; // looked up by name below
  return {
    origin: new URL(issuer).origin,
    issuer,
    agent,
    endpoint: (name) => new URL(String(discovered[name])),
    get,
    post: async (url, form, client) => {
      const credentials = client === undefined ? '' : `${client.client_id}:${client.client_secret}`;
      const headers: Record<string, string> =
        client === undefined ? {} : { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
      return JSON.parse(expectOk(url, await exchange(url, { agent, form, headers })).text);
    },
    close: () => agent.destroy(),
  };
};

const expectOk = (url: URL, answer: Exchange): Exchange => {
  if (answer.status === 200) return answer;
  throw new Error(`expected 200 of ${url.pathname}, saw ${answer.status}: ${answer.text.slice(0, 300)}`);
};
