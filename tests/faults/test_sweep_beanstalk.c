#include "tests/faults/sweep_main.h"

/* Releases to Elastic Beanstalk, by an exchange of CNAMEs and by its own traffic splitting. */

int main(void)
{
	static const struct sweep_case cases[] = {
		{"beanstalk-clone-good", &sweep_beanstalk_clone, NULL, 100, false, 1},
		{"beanstalk-clone-bad", &sweep_beanstalk_clone, NULL, 100, true, 1},
		{"beanstalk-splitting-good", &sweep_beanstalk_splitting, NULL, 10, false, 1},
		{"beanstalk-splitting-bad", &sweep_beanstalk_splitting, NULL, 10, true, 1},
	};

	return sweep_main(cases, sizeof(cases) / sizeof(cases[0]));
}
