import type { GatewaySettings } from '../gateway/gateway-definition.ts';
import type { AdministrationGrant } from '../tenant/administration-definition.ts';
import type { MailSettings } from './mail-settings.ts';
import type { OutgoingProxy } from './outgoing-proxy.ts';

/** Absolute paths of PEM files. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Where the certificates of clients come from. */
export type ClientCertificateSettings =
  /** Of connections to this server. `port`: of the listener that asks for them; absent: the main one. */
  (
    | { readonly from: 'tls'; readonly port?: number }
    /** The form, and the name in small letters, of the header that a trusted proxy sets. */
    | { readonly from: CertificateForm; readonly header: string }
  ) & {
    /** Origin at which clients are asked for their certificates, if that is another one. */
    readonly url?: string;
  };

export type CertificateForm = 'rfc9440' | 'nginx' | 'haproxy' | 'envoy' | 'traefik';

/** The settings of `config/server.yaml` and the environment, with defaults and resolved secrets. Deeply frozen. */
export interface ServerSettings {
  readonly server: {
    /** Origin, no trailing slash. Default `http://localhost:<port>`. */
    readonly publicUrl: string;
    /** Default `127.0.0.1`. */
    readonly host: string;
    readonly port: number;
    /** Master key, at least 32 bytes; absent: made on first start for the embedded store. */
    readonly secretKey?: string;
    /** Number of processes. `auto` in the file is one per core. */
    readonly workers: number;
    /** Addresses or CIDR blocks whose X-Forwarded-For is believed. */
    readonly trustedProxies: readonly string[];
    /** True: a proxy in front does TLS, so a public http URL that is not loopback is accepted. */
    readonly tlsTerminatedByProxy: boolean;
    /** For requests to identity providers; absent: they go out directly. */
    readonly outgoingProxy?: OutgoingProxy;
    /** Browsers that saw a public https host are to use https for all hosts below it (RFC 6797 section 6.1.2). */
    readonly hstsIncludeSubDomains: boolean;
    /** How long readyz answers 503 before the port closes, in milliseconds. */
    readonly drainDelayMs: number;
    /** How long requests under way may take to finish after that, in milliseconds. */
    readonly drainTimeoutMs: number;
  };
  /** Absent: plain HTTP. */
  readonly tls?: TlsSettings;
  /** Absent: no certificate of a client is looked at. */
  readonly clientCertificates?: ClientCertificateSettings;
  readonly storage: {
    /** `file:<folder>` or `mongodb://…` */
    readonly url: string;
  };
  readonly tenants: {
    /** Absolute path. */
    readonly directory: string;
    /** Number of tenants that stay built. */
    readonly warmLimit: number;
    /** Rescan even without a file event, in milliseconds. */
    readonly rescanMs: number;
    /** Watch by polling (network file systems). */
    readonly polling: boolean;
    /** The selection page lists no tenant; absent: it does. */
    readonly selection?: 'ask';
  };
  readonly passwords: {
    readonly memoryKiB: number;
    readonly iterations: number;
    readonly parallelism: number;
    /** Hashes computed at the same time in one process. */
    readonly concurrency: number;
    /** Hashes that may wait in one process; further ones are refused with 503. */
    readonly queueLimit: number;
  };
  readonly administration: {
    /** At which operators sign in; absent: there are none. */
    readonly tenant?: string;
    /** Who of that tenant may administer all. */
    readonly operators: AdministrationGrant;
    /** Must the sign-in of a person have had a second factor? */
    readonly secondFactor: boolean;
    /** How long ago it may have been. */
    readonly maxAgeSeconds: number;
  };
  readonly log: {
    readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  };
  readonly management: {
    /** 0: no such listener, and nothing is counted. */
    readonly port: number;
    readonly host: string;
    /** Most tenants that have numbers of their own. */
    readonly tenantLabels: number;
  };
  /** Absent: no mail server, and no mail leaves. */
  readonly mail?: MailSettings;
  readonly gateway: GatewaySettings;
}
