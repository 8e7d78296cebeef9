"""Signing in through the company's own OpenID Connect provider, where `oidc_issuer` is set; else nothing here is used.

`plan` reads the settings, `flow` ties a sign-in to the browser that began it, `provider` talks to the provider (`fetch`
sends each request), `id_token` holds what it says against its keys, `person` finds the user that this is. Authlib makes
the authorization address and the token request and checks claims, joserfc signatures. Both load when first used.
"""
