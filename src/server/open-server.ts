import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type AfterAnswer, createAfterAnswer } from '../accounts/after-answer.ts';
import { createPictureRewriter } from '../accounts/picture-file.ts';
import { openRevocationHub, type RevocationHub } from '../accounts/revocation-hub.ts';
import type { Clock } from '../clock.ts';
import { idleLimits } from '../config/gateway/gateway-references.ts';
import { formatFault } from '../config/parsing/fault.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import { faultsAtServer } from '../config/tenant/faults-at-server.ts';
import { hashTenant, loadTenant } from '../config/tenant/tenant-file.ts';
import { openSourceConnections, type SourceConnections } from '../connectors/open-connectors.ts';
import { createPasswordHasher } from '../crypto/password-hasher.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { openLogoutOutbox } from '../logout/outbox.ts';
import { openMail } from '../mail/open-mail.ts';
import { packageRoot } from '../package-root.ts';
import type { StorageRole, Trip } from '../storage/engine-options.ts';
import type { Storage } from '../storage/storage.ts';
import { demoRefusal } from '../tenants/loopback-only.ts';
import { openTenant, type Tenant } from '../tenants/tenant.ts';
import { createTenantFiles } from '../tenants/tenant-files.ts';
import { openTenantRegistry, type TenantRegistry } from '../tenants/tenant-registry.ts';
import { createClientCertificates } from '../web/client-certificates.ts';
import { openPages } from '../web/open-pages.ts';
import { headersForPrograms } from '../web/security-headers.ts';
import { openTexts } from '../web/texts.ts';
import { createApp } from './app.ts';
import { startAuditWork } from './audit-work.ts';
import { startDueDeletions } from './due-deletions.ts';
import { startEndedEmails } from './ended-emails.ts';
import { createSealedFormNotices } from './form-notices.ts';
import { createManagementApp } from './health.ts';
import { startKeyNotices } from './key-notices.ts';
import { createListeners } from './listeners.ts';
import { openNumbers } from './metrics/open-numbers.ts';
import { openGateway } from './open-gateway.ts';
import { openStore } from './open-store.ts';
import { createProtocolFastPath } from './protocol-fast-path.ts';
import { createPublicHosts } from './public-hosts.ts';
import { listenForUpstreamEndings } from './upstream-endings.ts';

export interface ServerOptions {
  readonly settings: ServerSettings;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: Log;
  readonly role: StorageRole;
  /** Called for each trip to the store: for counting them. */
  readonly onTrip?: (trip: Trip) => void;
  /** In one of several workers: the numbers of all, from the primary. */
  readonly askForNumbers?: () => Promise<string>;
}

export interface OpenServer {
  readonly tenants: TenantRegistry<Tenant>;
  readonly storage: Storage;
  /** Revocation events of all processes on this store. */
  readonly hub: RevocationHub;
  readonly afterAnswer: AfterAnswer;
  /**
   * Resolves to the port, which the system chose if the settings say 0.
   * @throws AppError `unavailable`, with the remedy, when a port is not available
   */
  listen(): Promise<number>;
  /**
   * Finishes the accepted requests, then closes everything. Takes at most the drain times of the settings.
   * `isAlone`: no balancer has to notice first, so the port closes at once.
   */
  close(options?: { readonly isAlone?: boolean }): Promise<void>;
}

/**
 * Opens all parts of a serving process, each after the parts that it depends on.
 * @throws AppError `unavailable` when the store cannot be opened or the master key is not the store's
 */
export const openServer = async (options: ServerOptions): Promise<OpenServer> => {
  const { settings, env, clock, log, role, onTrip } = options;
  const store = await openStore({ settings, clock, log, role, onTrip });
  const numbers = openNumbers(settings, options.askForNumbers);
  const { masterKey } = store;
  const storage = numbers?.measure(store.storage) ?? store.storage;
  let openHub: RevocationHub | undefined;
  let openConnections: SourceConnections | undefined;
  try {
    const hub = await openRevocationHub({ storage, log });
    openHub = hub;
    const viewsDirectory = join(packageRoot(), 'views');
    const texts = openTexts(join(viewsDirectory, 'locales'), clock);
    const pages = openPages({ directory: viewsDirectory, texts });
    const notices = createSealedFormNotices(masterKey);
    const hasher = createPasswordHasher(settings.passwords);
    const connections = openSourceConnections({
      clock,
      log,
      outgoingProxy: settings.server.outgoingProxy,
      onPasswordChecked: numbers?.passwordChecked,
    });
    openConnections = connections;
    hub.subscribe({
      event: ({ what }) => {
        if (what === 'account') connections.forgetVerdicts();
      },
      lost: connections.forgetVerdicts,
    });
    const { publicUrl, host } = settings.server;
    const { services, sessionIdle: idle, sessionAbsolute: absolute } = settings.gateway;
    const mail = openMail({
      ...{ settings: settings.mail, storage, masterKey, viewsDirectory, texts, clock, log },
    });
    const afterAnswer = createAfterAnswer(log);
    const rewritePicture = createPictureRewriter();
    const breachedListCounts = { asked: 0, unanswered: 0 };
    const onAnswered = numbers?.requestAnswered;
    const pageParts = { pages, notices, clock, log };
    const clientCertificates = createClientCertificates({
      source: settings.clientCertificates,
      trustedProxies: settings.server.trustedProxies,
    });
    const shared = {
      certificates: { of: clientCertificates.of, url: settings.clientCertificates?.url },
      ...{ storage, masterKey, hasher, rewritePicture, connections, mail, afterAnswer },
      ...pageParts,
    };
    const tenants = await openTenantRegistry<Tenant>({
      files: createTenantFiles({ ...settings.tenants, log }),
      fingerprint: (file) => Promise.resolve(hashTenant({ ...file, env })),
      judge: (file) => {
        const loaded = loadTenant({ ...file, env });
        const faults =
          'faults' in loaded ? loaded.faults : faultsAtServer(loaded.definition, settings, file.path);
        return Promise.resolve(
          'definition' in loaded && faults.length === 0
            ? loaded
            : { faults: faults.map((fault) => formatFault(fault)) },
        );
      },
      build: (definition) =>
        openTenant(
          {
            ...shared,
            onGrant: numbers?.grantAnswered,
            breachedListCounts,
            publicUrl,
            services,
            gatewaySessionLife: { idle, absolute },
          },
          definition,
        ),
      warningsOf: (definition) => idleLimits(definition, services),
      refusalOf: (definition) => demoRefusal(definition, { host, publicUrl }),
      warmLimit: settings.tenants.warmLimit,
      rescanMs: settings.tenants.rescanMs,
      log,
    });
    const outbox = openLogoutOutbox({
      storage,
      hub,
      clock,
      log,
      tokenFor: async (id, delivery) => {
        const lookup = await tenants.find(id);
        if (lookup.status === 'served') return lookup.tenant.provider.logoutToken(delivery);
        throw new AppError('unavailable', 'The tenant is not served here now');
      },
    });
    mail.deliver(async (id) => {
      const lookup = await tenants.find(id);
      return lookup.status === 'served' ? lookup.tenant.definition : undefined;
    });
    const upstreamEndings = listenForUpstreamEndings({ hub, tenants, log });
    const dueDeletions = startDueDeletions({ storage, tenants, clock, log });
    const auditWork = startAuditWork({ storage, tenants, clock, log });
    const endedEmails = startEndedEmails({ storage, tenants, clock, log });
    const keyNotices = startKeyNotices({ storage, tenants, clock, log });
    const hosts = createPublicHosts({ publicUrl, aliasUrl: settings.clientCertificates?.url }, () =>
      tenants.publicUrls(),
    );
    const { isSecure } = hosts;
    const gateway = openGateway({
      ...{ settings, tenants, masterKey, hub, pages, isSecure, clock, log, onAnswered },
      certificates: clientCertificates,
    });
    const readiness = {
      isDraining: false,
      isAuthenticating: settings.gateway.enabled,
      services: gateway.health,
      breachedListCounts,
    };
    const { hstsIncludeSubDomains } = settings.server;
    const headers = headersForPrograms(isSecure(new URL(publicUrl).host), hstsIncludeSubDomains);
    const listeners = createListeners(settings, {
      unreadable: { log, headers },
      log,
      main: gateway.dispatch(
        createProtocolFastPath({
          tenants,
          trustedProxies: settings.server.trustedProxies,
          isSecure,
          includeSubDomains: settings.server.hstsIncludeSubDomains,
          ...{ clock, log, onAnswered },
          otherwise: createApp({
            ...shared,
            settings,
            viewsDirectory,
            tenants,
            hosts,
            readiness,
            gateway,
            onAnswered,
          }).callback(),
        }),
      ),
      management:
        numbers &&
        createManagementApp(
          { readiness, storage, tenants, log },
          numbers.show({ tenants, hasher, connections, readiness, auditStreaming: auditWork.streaming }),
        ).callback(),
    });
    return {
      tenants,
      storage,
      hub,
      afterAnswer,
      listen: async () => {
        const ports = await Promise.all(listeners.map((listener) => listener.listen()));
        return ports[0] ?? settings.server.port;
      },
      close: async ({ isAlone = false } = {}) => {
        readiness.isDraining = true;
        // First the balancer sees that this process stops (readyz), then the port closes, then requests finish.
        for (const listener of listeners) listener.disableKeepAlive();
        if (!isAlone) await delay(settings.server.drainDelayMs);
        for (const listener of listeners) await listener.close(settings.server.drainTimeoutMs);
        await gateway.close();
        await outbox.close();
        await afterAnswer.idle();
        await mail.close();
        await dueDeletions.close();
        await endedEmails.close();
        await keyNotices.close();
        await auditWork.close();
        await upstreamEndings.close();
        await hub.close();
        await tenants.close();
        await connections.close();
        await store.close();
      },
    };
  } catch (error) {
    await openHub?.close();
    await openConnections?.close();
    await store.close();
    throw error;
  }
};
