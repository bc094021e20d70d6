import * as v from 'valibot';
import type { Asked } from './answer.ts';
import { faultError, label, readAnswer } from './answer.ts';
import type { CloudConfig } from './clouds.ts';
import { defined } from './define.ts';
import { createError, type OpenStackError } from './errors.ts';
import { type Auth, type Scope, secretOf, type UserRef } from './login.ts';
import type { HttpAnswer } from './transport/call.ts';
import { MAX_URL_LENGTH, withoutSlashes } from './url.ts';

/** A token of Keystone, and what came with it. */
export interface Token {
  /** The secret itself. */
  id: string;
  /** When it stops being accepted, in milliseconds of our own clock. */
  expiresAt: number;
  /** When to get a new one, in milliseconds of our own clock. */
  renewAt: number;
  project: { id: string; name: string; domainId?: string; domainName?: string };
  /** What it says of Heat, behind the cloud's interface. */
  catalog: CatalogService[];
}

/** A service of the catalog. */
export interface CatalogService {
  type: string;
  endpoints: { interface: string; region?: string; url: string }[];
}

/** As keystoneauth's identity plugins: a token is renewed this long before it expires, in milliseconds. */
const RENEW_AHEAD_MS = 120_000;
/** A token is used at least so long, in milliseconds: also one that our clock takes for over when it comes. */
const LEAST_USE_MS = 1_000;
/** Orchestration services that are kept of a catalog. */
const KEPT_SERVICES = 2;
/** Endpoints that are kept of each: one for each region. */
const KEPT_ENDPOINTS = 100;
/** Regions that a message lists. */
const TOLD_REGIONS = 10;

// Keystone's own are no longer, and what is said of a cloud must fit where it is shown.
const named = { id: label(64), name: label(255) };
const region = label(255);
/** In milliseconds since the epoch. Not every form that is ISO 8601's is one of `Date.parse`. */
const timestamp = v.pipe(v.string(), v.isoTimestamp(), v.transform(Date.parse), v.number());
const tokenSchema = v.object({
  token: v.object({
    expires_at: timestamp,
    issued_at: v.optional(timestamp),
    project: v.optional(v.object({ ...named, domain: v.optional(v.object(named)) })),
    catalog: v.optional(
      v.array(
        v.object({
          type: v.string(),
          endpoints: v.optional(
            v.array(
              v.object({
                interface: v.string(),
                url: v.string(),
                region: v.nullish(v.string()),
                region_id: v.nullish(v.string()),
              }),
            ),
            [],
          ),
        }),
      ),
      [],
    ),
  }),
});

/** The body of `POST /v3/auth/tokens` that signs a cloud's user in to its project. */
export function tokenRequest({ auth, scope }: CloudConfig): string {
  return JSON.stringify({ auth: { identity: identityOf(auth), ...(scope && { scope: scopeOf(scope) }) } });
}

function identityOf(auth: Auth): object {
  switch (auth.type) {
    case 'password':
      return { methods: ['password'], password: { user: { ...userOf(auth), password: auth.password } } };
    case 'applicationCredential': {
      const { id, name, secret } = auth;
      const credential = id === undefined ? { name, user: userOf(auth) } : { id };
      return { methods: ['application_credential'], application_credential: { ...credential, secret } };
    }
    case 'token':
      return { methods: ['token'], token: { id: auth.token } };
  }
}

function userOf(user: UserRef): object {
  if (user.userId !== undefined) return { id: user.userId };
  return { name: user.username, domain: domainOf(user.userDomainId, user.userDomainName) };
}

function scopeOf(scope: Scope): object {
  if ('trustId' in scope) return { 'OS-TRUST:trust': { id: scope.trustId } };
  if (scope.projectId !== undefined) return { project: { id: scope.projectId } };
  const domain = domainOf(scope.projectDomainId, scope.projectDomainName);
  return { project: { name: scope.projectName, domain } };
}

function domainOf(id: string | undefined, name: string | undefined): object {
  return id === undefined ? { name } : { id };
}

/**
 * Reads Keystone's answer to a token request.
 *
 * @param now in milliseconds since the epoch.
 * @throws OpenStackError Unauthorized, Forbidden, ConfigError when the address or the request is wrong,
 * TooManyRequests, ServerError, InvalidResponse.
 */
export function readToken(answer: HttpAnswer, asked: Asked, cloud: CloudConfig, now: number): Token {
  if (answer.status !== 201 && answer.status !== 200) throw tokenError(answer, asked, cloud, now);
  const id = answer.header('x-subject-token');
  if (!id) {
    throw createError('InvalidResponse', 'Keystone answered a token request without X-Subject-Token.', {
      status: answer.status,
    });
  }
  const { token } = readAnswer(tokenSchema, answer, asked);
  if (!token.project) {
    throw createError(
      'ConfigError',
      `cloud "${cloud.name}": Keystone gave a token without a project; Heat needs project_name or project_id.`,
    );
  }
  // The lifetime rather than the date: our clock and Keystone's may differ.
  const lifetime = token.expires_at - (token.issued_at ?? now);
  const { project } = token;
  return {
    id,
    expiresAt: now + lifetime,
    renewAt: now + Math.max(lifetime - renewAhead(cloud, lifetime), LEAST_USE_MS),
    project: defined({
      id: project.id,
      name: project.name,
      domainId: project.domain?.id,
      domainName: project.domain?.name,
    }),
    // A token is kept as long as its session, and a catalog may be as large as its author likes.
    catalog: token.catalog
      .filter(({ type }) => type === 'orchestration')
      .slice(0, KEPT_SERVICES)
      .map(({ type, endpoints }) => ({
        type,
        endpoints: endpoints
          .map((e) =>
            defined({ interface: e.interface, url: e.url, region: e.region_id ?? e.region ?? undefined }),
          )
          .filter((e) => interfaceNames(cloud).includes(e.interface) && isUsable(e))
          .slice(0, KEPT_ENDPOINTS),
      })),
  };
}

/** How long before its end a token is renewed, in milliseconds. */
function renewAhead({ auth }: CloudConfig, lifetime: number): number {
  // One that was got with another token can't be: the new one would end at the same time.
  if (auth.type === 'token') return 0;
  // One that lives for a few minutes must not be renewed with every request.
  return Math.min(RENEW_AHEAD_MS, lifetime / 2);
}

/** Whether an endpoint is one that can be shown; others are nobody's. */
function isUsable({ url, region: name }: { url: string; region?: string }): boolean {
  return url.length <= MAX_URL_LENGTH && (name === undefined || v.is(region, name));
}

function tokenError(answer: HttpAnswer, asked: Asked, cloud: CloudConfig, now: number): OpenStackError {
  const error = faultError(answer, asked, now);
  const { status, requestId, retryAfterMs } = error;
  // Keystone's schema messages can quote a value of the request; the secret is the one that mustn't get out.
  const detail = error.detail === undefined ? undefined : withoutSecret(error.detail, cloud);
  // It has 404 for an application credential that it doesn't know, and for a token that isn't one; what isn't Keystone,
  // or not at this address, answers 404 in other words.
  if (status === 401 || (status === 404 && detail !== undefined)) {
    return createError(
      'Unauthorized',
      `Keystone refused the credentials of cloud "${cloud.name}" (${status}); ${cureOf(cloud)}.`,
      { status, requestId, detail },
    );
  }
  if (status === 400) {
    return createError(
      'ConfigError',
      `Keystone calls the token request of cloud "${cloud.name}" malformed (400)${detail ? `: ${detail}` : ''}; check the keys under auth.`,
      { status, requestId, detail },
    );
  }
  if (answer.status === 404 || answer.status === 405 || answer.status < 400) {
    return createError(
      'ConfigError',
      `Nothing like Keystone v3 answers at the auth_url of cloud "${cloud.name}" (status ${answer.status}); correct auth_url.`,
      { status, requestId },
    );
  }
  return createError(error.code, withoutSecret(error.message, cloud), {
    status,
    requestId,
    detail,
    retryAfterMs,
  });
}

/** What to look at when Keystone refuses the credentials: it doesn't say what is wrong with them. */
function cureOf({ auth, scope }: CloudConfig): string {
  const where = scope && 'trustId' in scope ? 'trust_id' : 'project and their domains';
  switch (auth.type) {
    case 'password':
      return `check username, password, ${where}`;
    case 'applicationCredential':
      return `check ${auth.id === undefined ? 'name, user' : 'id'} and secret of the application credential, and that it wasn't deleted and hasn't expired`;
    case 'token':
      return `its token has expired or was revoked, or isn't good for this ${scope && 'trustId' in scope ? 'trust' : 'project'}; replace auth.token`;
  }
}

function withoutSecret(text: string, { auth }: CloudConfig): string {
  const secret = secretOf(auth);
  if (secret === '') return text;
  // Quoted text has its backslashes and quotes escaped.
  const written = [secret, JSON.stringify(secret).slice(1, -1)];
  const left = written.reduce((rest, each) => rest.replaceAll(each, '[redacted]'), text);
  // It may also be Python that quotes, in ASCII or not, or one that quotes what the other has quoted.
  return withoutEscapes(left).includes(withoutEscapes(secret)) ? '[redacted]' : left;
}

/** The same for a text and for what Python or JSON makes of it. */
function withoutEscapes(text: string): string {
  const letters: Record<string, string> = { '\n': 'n', '\r': 'r', '\t': 't' };
  return text
    .replaceAll(
      /\\+(?:x([\da-f]{2})|u([\da-f]{4})|U(000[\da-f]{5}))?/g,
      (_all, ...hex: (string | undefined)[]) => {
        const code = hex.slice(0, 3).find((digits) => digits !== undefined);
        return code === undefined ? '' : String.fromCodePoint(Number.parseInt(code, 16));
      },
    )
    .replaceAll(/[\n\r\t]/g, (control) => letters[control] ?? control);
}

/** Where a service can be reached. */
export interface Endpoint {
  /** Without a slash at its end; for Heat it includes the project: `https://heat.example.com:8004/v1/<project>`. */
  url: string;
  region?: string;
}

/** The regions in which the catalog has Heat behind this cloud's interface. */
export function orchestrationRegions(token: Token, cloud: CloudConfig): string[] {
  const regions = orchestrationEndpoints(token, cloud).map((e) => e.region);
  return [...new Set(regions.filter((region) => region !== undefined))];
}

/**
 * Where the cloud's Heat is: its override, else the first endpoint of the catalog with the type `orchestration` (it
 * has no alias), the interface and, if one is given, exactly the region.
 *
 * @throws OpenStackError ServiceNotFound, EndpointNotFound, or InvalidResponse when the address is unusable.
 */
export function orchestrationEndpoint(token: Token, cloud: CloudConfig): Endpoint {
  const { regionName: region, orchestrationEndpointOverride: override } = cloud;
  if (override !== undefined) {
    const url = override.replaceAll(/[%$]\((project_id|tenant_id)\)s/g, token.project.id);
    return defined({ url: heatBase(url, token), region });
  }
  if (!token.catalog.some((service) => service.type === 'orchestration')) {
    throw createError(
      'ServiceNotFound',
      `The catalog of cloud "${cloud.name}" has no orchestration service; ask its operator, or set orchestration_endpoint_override.`,
    );
  }
  const endpoint = orchestrationEndpoints(token, cloud).find(
    (e) => region === undefined || e.region === region,
  );
  if (!endpoint) {
    const regions = orchestrationRegions(token, cloud).slice(0, TOLD_REGIONS).join(', ') || 'none';
    throw createError(
      'EndpointNotFound',
      `Cloud "${cloud.name}" has no ${cloud.interface} orchestration endpoint in ${region === undefined ? 'any region' : `region "${region}"`} (regions that have one: ${regions}); correct region_name or interface.`,
    );
  }
  return { ...endpoint, url: heatBase(endpoint.url, token) };
}

function orchestrationEndpoints(token: Token, cloud: CloudConfig): Endpoint[] {
  const names = interfaceNames(cloud);
  return token.catalog
    .filter((service) => service.type === 'orchestration')
    .flatMap((service) => service.endpoints)
    .filter((endpoint) => names.includes(endpoint.interface))
    .map(({ url, region }) => defined({ url, region }));
}

/** Some catalogs still have Keystone v2's names of interfaces. */
function interfaceNames(cloud: CloudConfig): string[] {
  return [cloud.interface, `${cloud.interface}URL`];
}

/** Heat's address with the project, which an address that ends with `/v1` lacks. */
function heatBase(text: string, token: Token): string {
  const unusable = (): OpenStackError =>
    createError('InvalidResponse', "The catalog's address of the orchestration service is unusable.");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (!url || !isHttp || url.username || url.password || url.search || url.hash) throw unusable();
  const base = withoutSlashes(url.href);
  const withProject = base.endsWith('/v1') ? `${base}/${token.project.id}` : base;
  if (withProject.length > MAX_URL_LENGTH) throw unusable();
  return withProject;
}
