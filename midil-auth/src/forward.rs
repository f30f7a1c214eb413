//! `forward!`: providers that are a token cache with something around it.

/// Has a type provide what one of its fields does: headers, the status, and all else of a
/// [`TokenCache`](crate::TokenCache).
macro_rules! forward {
    ($type:ty, $field:tt) => {
        impl $type {
            /// Fetches a token unless there is one: for the start of a service.
            ///
            /// # Errors
            ///
            /// [`AuthError`](midil_http_core::AuthError), as a call would get it.
            ///
            /// # Cancel safety
            ///
            /// Cancel safe: the fetch goes on.
            pub async fn warm_up(&self) -> Result<(), midil_http_core::AuthError> {
                self.$field.warm_up().await
            }

            /// How the token is: for health checks.
            #[must_use]
            pub fn status(&self) -> $crate::CacheStatus {
                self.$field.status()
            }
        }

        // Written out, not with `async_trait`, which would put a box around the box.
        impl midil_http_core::AuthNProvider for $type {
            fn get_token<'a, 'async_trait>(
                &'a self,
            ) -> midil_http_core::BoxFuture<
                'async_trait,
                Result<midil_http_core::AuthNToken, midil_http_core::AuthError>,
            >
            where
                'a: 'async_trait,
                Self: 'async_trait,
            {
                self.$field.get_token()
            }

            fn get_headers<'a, 'r, 'async_trait>(
                &'a self,
                request: &'r midil_http_core::RequestHead,
            ) -> midil_http_core::BoxFuture<
                'async_trait,
                Result<midil_http_core::AuthNHeaders, midil_http_core::AuthError>,
            >
            where
                'a: 'async_trait,
                'r: 'async_trait,
                Self: 'async_trait,
            {
                self.$field.get_headers(request)
            }

            fn observed_by(&self, observer: &std::sync::Arc<dyn midil_http_core::Observer>) {
                self.$field.observed_by(observer);
            }

            fn invalidate(&self, rejected: &midil_http_core::AuthNHeaders) {
                self.$field.invalidate(rejected);
            }
        }
    };
}

pub(crate) use forward;
