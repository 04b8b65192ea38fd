package journal

import "os"

// Small gives a journal limits that a test reaches in no time.
func Small(j *Journal) *Journal {
	l := standard()
	l.deployments, l.succeeded, l.judged, l.outages = 20, 5, 60, 10
	l.deliveries, l.most = 50, 80
	l.every, l.step, l.batch = 4, 8, 10
	j.limits = l
	return j
}

// Unsynced makes a journal that does not wait for the disk, for tests that write much.
func Unsynced(j *Journal) *Journal {
	j.db.NoSync = true
	return j
}

// Verify is what Open does before bbolt gets the file.
func Verify(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = verify(f)
	return err
}
