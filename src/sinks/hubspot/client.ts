/**
 * HubSpot's own client, with a request that can be ended.
 *
 * `apiRequest` of @hubspot/api-client 14 builds the URL, the authorization and the user agent, then calls the global
 * `fetch` without a signal: a call that got no answer would hang for as long as the platform lets it, and a redirect
 * would be followed. The subclass keeps the building and replaces the sending. The client's own retries and limiter
 * are left off: they are global to the process and know neither 423 nor a network error.
 */
import type { IHttpOptions } from '@hubspot/api-client/lib/src/services/http/IHttpOptions.js';

interface SignalledOptions extends IHttpOptions {
  readonly signal: AbortSignal;
}

export interface HubSpotClient {
  /** Rejects as `fetch` does; a 3xx is an answer, not a new request. */
  apiRequest(options: SignalledOptions): Promise<Response>;
}

export interface ClientOptions {
  readonly token: string;
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
}

/** Loads the client on first use, so that commands that never call HubSpot do not pay for it. */
export async function openClient(options: ClientOptions): Promise<HubSpotClient> {
  const [{ Client }, { Request }] = await Promise.all([
    import('@hubspot/api-client/lib/src/client.js'),
    import('@hubspot/api-client/lib/src/services/http/Request.js'),
  ]);

  class EndableClient extends Client {
    override apiRequest(request: SignalledOptions): Promise<Response> {
      const { signal, ...rest } = request;
      const built = new Request(this.config, rest);
      // 'manual' hands a 3xx to the caller: the token never travels to another host, and the status is seen.
      return options.fetch(built.getUrl(), { ...built.getSendData(), signal, redirect: 'manual' });
    }
  }

  return new EndableClient({
    accessToken: options.token,
    basePath: options.baseUrl.replace(/\/+$/, ''),
    numberOfApiCallRetries: 0,
  });
}
