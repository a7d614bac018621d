#include <curl/curl.h>
#include <stdarg.h>

#include "tests/torture/wrap.h"

#define FAMILY TORTURE_CURL

/* the type checks of curl's header are macros, which stand in the way of definitions */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

CALL(CURL *, curl_easy_init, (void), (), NULL, ENOMEM)
CALL(CURLM *, curl_multi_init, (void), (), NULL, ENOMEM)
CALL(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *line),
     (list, line), NULL, ENOMEM)
CODE(CURLcode, curl_global_init, (long flags), (flags), CURLE_FAILED_INIT)
CODE(CURLMcode, curl_multi_add_handle, (CURLM * m, CURL *e), (m, e), CURLM_OUT_OF_MEMORY)
CODE(CURLMcode, curl_multi_remove_handle, (CURLM * m, CURL *e), (m, e), CURLM_BAD_EASY_HANDLE)
CODE(CURLMcode, curl_multi_perform, (CURLM * m, int *running), (m, running), CURLM_OUT_OF_MEMORY,
     CURLM_INTERNAL_ERROR)
CODE(CURLMcode, curl_multi_poll,
     (CURLM * m, struct curl_waitfd extra[], unsigned n, int ms, int *ready),
     (m, extra, n, ms, ready), CURLM_OUT_OF_MEMORY, CURLM_UNRECOVERABLE_POLL)
CODE(CURLMcode, curl_multi_wakeup, (CURLM * m), (m), CURLM_WAKEUP_FAILURE)

/* Options are long, curl_off_t, or pointers; all go through a register of the same size. */
WRAP(CURLcode, curl_easy_setopt, (CURL * e, CURLoption option, ...))
{
	static const CURLcode codes[] = {CURLE_OUT_OF_MEMORY, CURLE_UNKNOWN_OPTION};
	unsigned way = torture_strike(FAMILY, "curl_easy_setopt", WAYS(codes));
	CURLcode rc;
	va_list ap;

	if (way)
		return codes[way - 1];
	va_start(ap, option);
	if (option < CURLOPTTYPE_OBJECTPOINT)
		rc = REAL(curl_easy_setopt)(e, option, va_arg(ap, long));
	else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
		rc = REAL(curl_easy_setopt)(e, option, va_arg(ap, curl_off_t));
	else
		rc = REAL(curl_easy_setopt)(e, option, va_arg(ap, void *));
	va_end(ap);
	return rc;
}

WRAP(CURLMcode, curl_multi_setopt, (CURLM * m, CURLMoption option, ...))
{
	CURLMcode rc;
	va_list ap;

	if (torture_strike(FAMILY, "curl_multi_setopt", 1))
		return CURLM_UNKNOWN_OPTION;
	va_start(ap, option);
	rc = REAL(curl_multi_setopt)(m, option, va_arg(ap, long));
	va_end(ap);
	return rc;
}

WRAP(CURLcode, curl_easy_getinfo, (CURL * e, CURLINFO info, ...))
{
	CURLcode rc;
	va_list ap;

	if (torture_strike(FAMILY, "curl_easy_getinfo", 1))
		return CURLE_BAD_FUNCTION_ARGUMENT;
	va_start(ap, info);
	rc = REAL(curl_easy_getinfo)(e, info, va_arg(ap, void *));
	va_end(ap);
	return rc;
}

/* What goes wrong in a transfer is told by the message at its end. */
WRAP(CURLMsg *, curl_multi_info_read, (CURLM * m, int *left))
{
	static const CURLcode codes[] = {
		CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,    CURLE_OPERATION_TIMEDOUT,
		CURLE_SSL_CONNECT_ERROR,    CURLE_SSL_CACERT_BADFILE, CURLE_GOT_NOTHING,
		CURLE_SEND_ERROR,	    CURLE_RECV_ERROR,	      CURLE_PARTIAL_FILE,
		CURLE_OUT_OF_MEMORY,
	};
	CURLMsg *msg = REAL(curl_multi_info_read)(m, left);
	unsigned way = msg ? torture_strike(FAMILY, "curl_multi_info_read", WAYS(codes)) : 0;

	if (way && msg->msg == CURLMSG_DONE)
		msg->data.result = codes[way - 1];
	return msg;
}
